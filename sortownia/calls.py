"""How the API is asked: again, where nothing was done or doing it twice does no harm; and what its refusals say."""

import random
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from chalicelib.api.answers import ItemOut, ItemPage, MentionPage, TimelinePage

#: Statuses that promise that nothing was done, and those that leave it open: the function may have ended, or not.
_NOT_DONE: Final = frozenset({429, 503})
_UNSURE: Final = frozenset({502, 504})
#: What is raised before anything of the request has left, and afterwards.
_UNHEARD: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_LOST: Final = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)
#: Seconds before a request is sent again, each half as long to half as long again; at most so many as it is told.
_PAUSES: Final = (0.2, 0.4, 0.8)
_LONGEST_PAUSE: Final = 10.0
_PAGE: Final = 100

type Json = Mapping[str, Any]


class ApiError(Exception):
    """The service refused. `slug` is the end of the problem's type (`docs/api.md`; '' where API Gateway refused),
    `field` what is malformed, and `present` the item as it is now, where somebody moved first."""

    def __init__(self, status: int, slug: str, detail: str, field: str = "", present: ItemOut | None = None) -> None:
        super().__init__(f"{status} {slug}: {detail}" if slug else f"{status}: {detail}")
        self.status, self.slug, self.detail, self.field, self.present = status, slug, detail, field, present


class Calls:
    """Requests of one caller to one stack. Raises `ApiError` when the service refuses, and what httpx raises when it
    cannot be reached: the last of all attempts counts."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None, timeout: float) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, transport=transport, timeout=timeout)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def get[M: BaseModel](self, shape: type[M], path: str, query: Json | None = None) -> M:
        """What is read at a path."""
        return shaped(shape, self.answer("GET", path, query=query, again=True))

    def pages[P: (ItemPage, TimelinePage, MentionPage)](
        self, shape: type[P], path: str, query: Json, limit: int | None
    ) -> Iterator[P]:
        """A list's pages, no longer than `limit` entries are wanted."""
        asked = {**query, "limit": min(limit or _PAGE, _PAGE)}
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(shape, path, asked | given(cursor=cursor or None))
            yield page
            cursor = page.next

    def answer(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: Json | None = None,
        item: ItemOut | None = None,
        key: str | None = None,
        again: bool = False,
    ) -> httpx.Response:
        """The answer to a request; `item` names the version it is based on.

        It is sent again when it was not done. When that is not known, only if it may be done twice (`again`) or has
        a key under which it is done once: a change of a version that was done would look refused.
        """
        headers = given(**{"If-Match": f'"{item.version}"' if item else None, "Idempotency-Key": key})
        request = self._http.build_request(method, path, json=body, params=query, headers=headers)
        safe = again or key is not None
        for pause in _PAUSES:
            try:
                answer = self._http.send(request)
            except _LOST as error:
                if not (safe or isinstance(error, _UNHEARD)):
                    raise
                told = 0.0
            else:
                if answer.status_code not in (_NOT_DONE | _UNSURE if safe else _NOT_DONE):
                    return answer
                told = _told_to_wait(answer)
            time.sleep(max(told, pause * random.uniform(0.5, 1.5)))
        return self._http.send(request)


def shaped[M: BaseModel](shape: type[M], answer: httpx.Response) -> M:
    """An answer as its model. Raises `ApiError` when it is a refusal, or nothing this service would say."""
    if answer.status_code >= 400:
        raise refusal(answer)
    try:
        return shape.model_validate_json(answer.content)
    except ValidationError as error:
        raise ApiError(answer.status_code, "", f"the answer is no {shape.__name__}: {error}") from error


def refusal(answer: httpx.Response) -> ApiError:
    """What a refusal says, whoever refused."""
    try:
        problem = _Problem.model_validate_json(answer.content)
    except ValidationError:
        problem = _Problem()
    slug, detail = problem.type.rpartition(":")[2], problem.detail or answer.reason_phrase
    return ApiError(answer.status_code, slug, detail, problem.field, problem.present)


def given(**values: str | None) -> dict[str, str]:
    """What is not None of these."""
    return {name: value for name, value in values.items() if value is not None}


class _Problem(BaseModel):
    """A problem of ours, or what API Gateway says in its own form."""

    type: str = ""
    detail: str = Field("", validation_alias=AliasChoices("detail", "message", "Message", "title"))
    field: str = ""
    present: ItemOut | None = None


def _told_to_wait(answer: httpx.Response) -> float:
    """Seconds by Retry-After, which may be a date too: that is not worth reading here."""
    said = answer.headers.get("Retry-After", "")
    return min(float(said), _LONGEST_PAUSE) if said.isascii() and said.isdecimal() else 0.0
