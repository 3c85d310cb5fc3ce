"""What DynamoDB's answers mean, where only a scripted client can give them. (The table itself: tests/contract.)"""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from botocore.stub import Stubber

from chalicelib.errors import AtCapacity, Invalid, LostRace, PerhapsDone, Unavailable
from chalicelib.item.change import Change, Load
from chalicelib.item.decide import claim
from chalicelib.item.item import AgentId
from chalicelib.store import keys, rows
from chalicelib.store.table import Table
from tests.desk import NOW, customer, item, small_desk, step

DESK = small_desk()
CLAIM = claim(item(), customer(), DESK.agents["anna"], DESK, step(), "t", "key")  # 5 rows: see ROWS
ROWS = ("customer", "item", "event", "answer", "load")
FAILED, RACED = "ConditionalCheckFailed", "TransactionConflict"


@pytest.fixture
def scripted() -> Iterator[tuple[Table, Stubber]]:
    """A table whose client says what the test wrote down, and nothing else."""
    client = boto3.client("dynamodb", region_name="eu-central-1")
    with Stubber(client) as stubber:
        yield Table(client, "t"), stubber
        stubber.assert_no_pending_responses()


def refusal(codes: dict[str, str]) -> dict[str, Any]:
    return {"CancellationReasons": [{"Code": codes.get(row, "None")} for row in ROWS]}


@pytest.mark.parametrize(
    ("codes", "means"),
    [
        ({"item": FAILED}, LostRace),
        ({"customer": FAILED, "event": FAILED}, LostRace),
        ({"item": RACED}, LostRace),
        ({"answer": FAILED}, LostRace),
        ({"load": RACED}, LostRace),
        ({"load": FAILED}, AtCapacity),
        ({"load": FAILED, "item": FAILED}, AtCapacity),
        ({"item": "ThrottlingError"}, Unavailable),
        ({"item": FAILED, "event": "ProvisionedThroughputExceeded"}, Unavailable),
    ],
)
def test_a_refused_transaction_says_why(scripted: Any, codes: dict[str, str], means: type[Exception]) -> None:
    table, stubber = scripted
    stubber.add_client_error("transact_write_items", "TransactionCanceledException", modeled_fields=refusal(codes))
    with pytest.raises(means) as refused:
        table.save(CLAIM, NOW)
    if isinstance(refused.value, LostRace):
        assert refused.value.reasons == tuple(f"{row}:{codes[row]}" for row in ROWS if row in codes)


@pytest.mark.parametrize(
    ("codes", "means"),
    [
        (("None", FAILED), AtCapacity),
        ((FAILED, "None"), AtCapacity),
        ((RACED, RACED), LostRace),
        (("ThrottlingError", RACED), Unavailable),
    ],
)
def test_each_of_two_loads_has_a_reason_of_its_own(
    scripted: Any, codes: tuple[str, str], means: type[Exception]
) -> None:
    table, stubber = scripted
    reasons = {"CancellationReasons": [{"Code": code} for code in codes]}
    stubber.add_client_error("transact_write_items", "TransactionCanceledException", modeled_fields=reasons)
    passed = (Load(AgentId("anna"), "mail", -1), Load(AgentId("carl"), "mail", 1, 2))
    with pytest.raises(means) as refused:
        table.save(Change(loads=passed), NOW)
    if isinstance(refused.value, LostRace):
        assert refused.value.reasons == (f"load:{RACED}", f"load:{RACED}")


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("TransactionConflictException", LostRace),
        ("ProvisionedThroughputExceededException", Unavailable),
        ("ThrottlingException", Unavailable),
        ("InternalServerError", Unavailable),
        ("ResourceNotFoundException", Unavailable),
        ("ValidationException", ClientError),  # our own mistake: fail loudly
    ],
)
@pytest.mark.parametrize("operation", ["transact_write_items", "batch_get_item", "query", "update_item"])
def test_an_error_of_dynamodb_says_who_must_act(
    scripted: Any, operation: str, code: str, means: type[Exception]
) -> None:
    table, stubber = scripted
    stubber.add_client_error(operation, code)
    call = {
        "transact_write_items": lambda: table.save(CLAIM, NOW),
        "batch_get_item": lambda: table.item("it1"),
        "query": lambda: table.history("it1"),
        "update_item": lambda: table.set_presence("anna", "away", NOW),
    }[operation]
    with pytest.raises(means):
        call()


@pytest.mark.parametrize(
    ("code", "status", "attempts", "means"),
    [
        ("InternalServerError", 500, 2, PerhapsDone),
        ("InternalServerError", 500, 0, PerhapsDone),
        ("TransactionInProgressException", 400, 0, PerhapsDone),  # an attempt of ours that did not answer
        ("ThrottlingException", 400, 2, PerhapsDone),  # the attempts before this one may have been heard
        ("ThrottlingException", 400, 0, Unavailable),
    ],
)
def test_a_write_that_may_have_been_done_is_not_said_to_be_undone(
    scripted: Any, code: str, status: int, attempts: int, means: type[Exception]
) -> None:
    table, stubber = scripted
    told = {"RetryAttempts": attempts}
    for written in (False, True):
        stubber.add_client_error("transact_write_items", code, http_status_code=status, response_meta=told)
        if means is PerhapsDone:
            found = [rows.to_wire(rows.event_row(CLAIM.events[0]))] if written else []
            stubber.add_response("batch_get_item", {"Responses": {"t": found}})
        if written and means is PerhapsDone:
            table.save(CLAIM, NOW)  # it knows its own change again
            continue
        with pytest.raises(Unavailable) as failed:
            table.save(CLAIM, NOW)
        assert type(failed.value) is means


def test_an_entry_of_another_is_no_sign_that_a_write_was_done(scripted: Any) -> None:
    table, stubber = scripted
    another = rows.event_row(CLAIM.events[0]) | {"event_id": "another"}
    stubber.add_client_error("transact_write_items", "InternalServerError", http_status_code=500)
    stubber.add_response("batch_get_item", {"Responses": {"t": [rows.to_wire(another)]}})
    with pytest.raises(PerhapsDone):
        table.save(CLAIM, NOW)


def test_a_cursor_dynamodb_does_not_like_is_the_callers_mistake(scripted: Any) -> None:
    table, stubber = scripted
    stubber.add_client_error("query", "ValidationException")
    with pytest.raises(Invalid, match="cursor"):
        table.timeline("cu1", 10, "eyJwayI6ICJDVVNUT01FUiNjdTEiLCAic2siOiAiRVZFTlQjeCJ9", newest=False)


def test_a_network_that_is_gone_is_unavailable() -> None:
    class Gone:
        """A client that reaches nobody."""

        exceptions = boto3.client("dynamodb", region_name="eu-central-1").exceptions

        def __getattr__(self, operation: str) -> Any:
            def called(**_: Any) -> None:
                raise ConnectTimeoutError(endpoint_url="http://127.0.0.1:1")

            return called

    table: Any = Table(Gone(), "t")  # type: ignore[arg-type]
    for call in (
        lambda: table.save(CLAIM, NOW), lambda: table.item("it1"), lambda: table.history("it1"),
        lambda: table.set_presence("anna", "away", NOW),
    ):  # fmt: skip
        with pytest.raises(Unavailable):
            call()


def test_keys_dynamodb_left_unread_are_asked_for_again(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table, stubber = scripted
    monkeypatch.setattr("chalicelib.store.table.time.sleep", lambda _seconds: None)
    first, second = rows.item_row(item(id="a")), rows.item_row(item(id="b"))
    left = {"t": {"Keys": [rows.to_wire(keys.item_key("b"))], "ConsistentRead": True}}
    stubber.add_response(
        "batch_get_item", {"Responses": {"t": [rows.to_wire(first)]}, "UnprocessedKeys": left},
    )  # fmt: skip
    stubber.add_response("batch_get_item", {"Responses": {"t": [rows.to_wire(second)]}}, {"RequestItems": left})
    assert len(table.rows([keys.item_key("a"), keys.item_key("b")])) == 2


def test_keys_left_unread_for_ever_are_never_taken_for_missing(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table, stubber = scripted
    monkeypatch.setattr("chalicelib.store.table.time.sleep", lambda _seconds: None)
    left = {"t": {"Keys": [rows.to_wire(keys.item_key("it1"))], "ConsistentRead": True}}
    for _ in range(5):
        stubber.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": left})
    with pytest.raises(Unavailable):
        table.item("it1")


def test_what_decides_is_read_consistently(scripted: Any) -> None:
    table, stubber = scripted
    asked = {"RequestItems": {"t": {"Keys": [rows.to_wire(keys.agent_key("anna"))], "ConsistentRead": True}}}
    stubber.add_response("batch_get_item", {"Responses": {}}, asked)
    assert table.agents(["anna"])["anna"].presence == "unknown"


def test_a_claim_writes_these_rows_in_one_transaction(scripted: Any) -> None:
    table, _ = scripted
    assert tuple(what for what, _ in table._actions(CLAIM, NOW)) == ROWS


def test_a_smaller_load_is_never_refused(scripted: Any) -> None:
    table, _ = scripted
    ((_, action),) = table._actions(Change(loads=(Load(AgentId("anna"), "mail", -1),)), NOW)
    assert "ConditionExpression" not in action["Update"]
