"""A chat reply is posted once, and the answer is sorted by what is known then."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chalicelib import providers
from chalicelib.errors import NotSent, OutcomeUnknown, Refused
from chalicelib.providers import Providers
from tests.outside import CUT, SILENCE, Outside

HEADERS = {"Content-Type": "application/json", "X-Sortownia-Signature": "sha256=00"}
BODY = '{"text": "Dzień dobry"}'.encode()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "READ_SECONDS", 0.3)
    monkeypatch.setattr(providers, "CONNECT_SECONDS", 0.5)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_reply_that_was_taken_is_sent(status: int) -> None:
    with Outside(status, body=b"") as provider:
        Providers().post(f"{provider.url}/replies/w?key=1", HEADERS, BODY)
        (asked,) = provider.asked
    assert (asked.path, asked.body) == ("/replies/w?key=1", BODY)
    assert HEADERS.items() <= asked.headers.items()
    assert asked.headers["User-Agent"], "gateways turn away who does not name himself"


@pytest.mark.parametrize("status", [429, 503])
def test_a_reply_turned_away_for_now_may_be_sent_later(status: int) -> None:
    with Outside(status) as provider:
        with pytest.raises(NotSent, match=str(status)):
            Providers().post(provider.url, HEADERS, BODY)
        assert len(provider.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 300, 304])
def test_a_reply_the_provider_does_not_want_is_refused(status: int) -> None:
    with Outside(status) as provider, pytest.raises(Refused, match=str(status)):
        Providers().post(provider.url, HEADERS, BODY)


@pytest.mark.parametrize("status", [400, 403])
def test_a_rate_limit_that_a_provider_calls_a_mistake_is_one(status: int) -> None:
    limited = b'{"error":{"message":"(#131056) Too many messages to Piotr","type":"OAuthException","code":131056}}'
    with Outside(status, body=limited) as provider:
        with pytest.raises(NotSent, match="131056"):
            Providers().post(provider.url, HEADERS, BODY, later={"131056"})
        with pytest.raises(Refused, match="131056"):
            Providers().post(provider.url, HEADERS, BODY, later={"4"})
        assert len(provider.asked) == 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b'{"error":{"message":"Piotr wrote to +48500000000","code":131047}}', " (131047)"),
        (b'{"ok":false,"error_code":403,"description":"Forbidden"}', " (403)"),
        (b'{"ok":false,"error":"not_in_channel"}', " (not_in_channel)"),
        (b'{"code":"unauthorized"}', " (unauthorized)"),
        (b'{"type":"error.list","errors":[{"code":"not_found","message":"Piotr"}]}', " (not_found)"),
        (b'{"errors":[{"code":"conversation_not_found","title":"Not found"}]}', " (conversation_not_found)"),
        (b'{"error":{"type":"authorization","message":"Piotr"}}', " (authorization)"),
        (b'{"error":"RecordInvalid","description":"Piotr"}', " (RecordInvalid)"),
        (b'{"error":true,"reason":"session_not_found","data":{}}', " (session_not_found)"),
        (b'{"errors":["Piotr"]}', ""),
        (b'{"error":"Piotr"}', ""),
        (b'{"error":"Piotr wrote"}', ""),
        (b'{"error":{"code":"+48 500 000 000"}}', ""),
        (b'{"error":null}', ""),
        (b'{"error":true}', ""),
        (b"<html>Piotr</html>", ""),
        (b"[1]", ""),
        (b"{" * 5000, ""),
        (b"", ""),
    ],
)
def test_of_a_refusal_the_code_is_told_and_nothing_else(answer: bytes, code: str) -> None:
    with Outside(400, body=answer) as provider, pytest.raises(Refused) as refused:
        Providers().post(provider.url, HEADERS, BODY)
    assert str(refused.value) == f"127.0.0.1 answered 400{code}"


def test_an_answer_is_given_as_far_as_it_is_asked_for() -> None:
    with Outside(200, body=b"0123456789") as provider:
        said = [Providers().post(provider.url, HEADERS, BODY, "PUT", wanted) for wanted in (0, 4, 99)]
    assert said == [b"", b"0123", b"0123456789"]
    assert {one.method for one in provider.asked} == {"PUT"}


@pytest.mark.parametrize("header", ["a\nb", "żółw"])
def test_a_proof_no_header_can_hold_sends_nothing(header: str) -> None:
    with Outside() as provider:
        with pytest.raises(Refused, match="malformed"):
            Providers().post(provider.url, {"Authorization": header}, BODY)
        assert provider.asked == []


@pytest.mark.parametrize("status", [408, 500, 501, 502, 504, SILENCE, CUT])
def test_when_the_provider_may_have_shown_it_nobody_asks_again(status: int) -> None:
    with Outside(status) as provider:
        with pytest.raises(OutcomeUnknown):
            Providers().post(provider.url, HEADERS, BODY)
        assert len(provider.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with Outside() as elsewhere:
        with Outside(status, headers={"Location": elsewhere.url}) as provider, pytest.raises(Refused):
            Providers().post(provider.url, HEADERS, BODY)
        assert elsewhere.asked == []


def test_a_provider_that_is_not_there_may_come_back() -> None:
    with Outside() as provider:
        gone = provider.url
    with pytest.raises(NotSent, match="ConnectionRefusedError"):
        Providers().post(gone, HEADERS, BODY)


@contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """A port that says `answer` to whoever connects and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def serve() -> None:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            kept.append(connection)
            connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
    thread.join(5)
    for connection in kept:
        connection.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_nothing_of_a_reply_leaves_before_tls_is_agreed_on(answer: bytes) -> None:
    with listening(answer) as port, pytest.raises(NotSent):
        Providers().post(f"https://127.0.0.1:{port}/", HEADERS, BODY)


def test_certificates_are_checked() -> None:
    assert Providers()._tls.verify_mode is ssl.CERT_REQUIRED
    assert Providers()._tls.check_hostname


@pytest.mark.parametrize(
    "url",
    ["http://chat.example.com/x", "http://127.0.0.1.example.com/x", "ftp://127.0.0.1/x", "//127.0.0.1/x", "", "https://",
     "https:///x", "http://127.0.0.1:port/x", "https://127.0.0.1:99999/"],
)  # fmt: skip
def test_only_a_safe_address_is_called(url: str) -> None:
    with pytest.raises(Refused):
        Providers().post(url, HEADERS, BODY)


def test_an_address_with_a_line_end_sends_nothing() -> None:
    with Outside() as provider:
        with pytest.raises(Refused):
            Providers().post(f"{provider.url}/a b", HEADERS, BODY)
        assert provider.asked == []
