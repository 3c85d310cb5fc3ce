"""What the desk's rules show over the API: marks, tiers, what is missing."""

from tests.unit.api.service import Service


def test_an_item_shows_what_is_missing_and_how_to_ask_for_it(service: Service) -> None:
    item = service.item(topic="order")
    shown = service.ask("GET", f"/v1/items/{item.id}").json_body
    assert (shown["missing"], shown["suggestion"]) == (["order-number"], "We need: - the order number")
    given = service.item(topic="order", subject="A-12345")
    shown = service.ask("GET", f"/v1/items/{given.id}").json_body
    assert (shown["missing"], shown["suggestion"]) == ([], "")


def test_a_mark_stands_on_the_card_and_in_the_timeline(service: Service) -> None:
    path = f"/v1/customers/{service.item().customer_id}"
    body = {"mark": "vip", "reason": "buys much"}
    assert service.ask("POST", f"{path}/mark", "supervisor-1", body).json_body["marks"] == ["vip"]
    assert service.ask("POST", f"{path}/mark", "supervisor-1", body).status_code == 409
    assert service.ask("POST", f"{path}/mark", "supervisor-1", {"mark": "rich"}).status_code == 400
    told = service.ask("GET", f"{path}/timeline", order="newest").json_body["events"][0]
    assert (told["type"], told["actor"], told["facts"]) == ("customer-marked", "supervisor-1",
                                                            {"mark": "vip", "marks": ["vip"]})  # fmt: skip
    assert told["content"] == {"reason": "buys much"}
    assert service.ask("POST", f"{path}/unmark", "admin-1", {"mark": "vip"}).json_body["marks"] == []
    assert service.ask("POST", f"{path}/unmark", "admin-1", {"mark": "vip"}).status_code == 409
    assert service.ask("GET", path).json_body["marks"] == []


def test_an_item_goes_a_tier_up_with_a_reason(service: Service) -> None:
    held = service.claimed("anna")
    assert service.write(held, "escalate").status_code == 400
    up = service.write(held, "escalate", body={"reason": "beyond me"}).json_body
    assert (up["queue"], up["escalations"], up["state"]) == ("orders", 1, "queued")
    again = service.ask("POST", f"/v1/items/{up['id']}/claim").json_body
    refused = service.write(again, "escalate", body={"reason": "more"})
    assert (refused.status_code, refused.json_body["detail"]) == (409, "queue orders has no next tier")
