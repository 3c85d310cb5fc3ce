"""Clients are made by botocore, of the services we use alone."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from chalicelib.aws import clients

OURS = [clients.dynamodb, clients.s3, clients.sqs, clients.secrets_manager, clients.sesv2]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    _forget()
    yield
    _forget()


@pytest.mark.usefixtures("fresh")
def test_every_client_is_made_without_looking_through_what_botocore_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Any] = []
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path=".": listed.append(path) or real(path))  # type: ignore[func-returns-value]
    made = sorted(client().meta.service_model.service_name for client in OURS)
    assert made == ["dynamodb", "s3", "secretsmanager", "sesv2", "sqs"]
    assert len(listed) < 20, "one folder of versions for each service"


@pytest.mark.usefixtures("fresh")
def test_botocore_knows_all_of_them_and_no_other_is_made() -> None:
    assert set(clients._OurServices().list_available_services("service-2")) <= set(
        Loader().list_available_services("service-2")
    )
    with pytest.raises(UnknownServiceError):
        clients._client("sns", clients._CONFIG)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("service", ["sts", "sso", "sso-oidc", "signin"])
def test_credentials_of_a_role_or_a_sign_on_are_fetched_by_clients_of_the_same_session(service: str) -> None:
    assert clients._client(service, clients._CONFIG).meta.service_model.service_name == service


def _forget() -> None:
    for made in (clients._session, *OURS):
        made.cache_clear()
