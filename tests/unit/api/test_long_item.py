"""An item with a long life is still one answer."""

import json
from dataclasses import replace

from chalicelib.flows.look import MOST_STEPS
from chalicelib.store import rows
from tests.unit.api.service import Service

#: What a Lambda may answer, the body being text within its JSON.
PAYLOAD = 6 * 1024 * 1024


def test_the_newest_steps_of_a_long_life_fit_into_an_answer(service: Service) -> None:
    held = service.claimed()
    first = service.world.table.history(held["id"])[0]
    for seq in range(100, 101 + MOST_STEPS):
        row = rows.event_row(replace(first, id=f"{seq:032}", seq=seq, version=seq))
        service.cloud.dynamodb.put_item(TableName="desk-table", Item=rows.to_wire(row))
    answer = service.ask("GET", f"/v1/items/{held['id']}", "anna")
    assert len(json.dumps(answer.body.decode()).encode()) < PAYLOAD
    assert len(answer.json_body["history"]) == MOST_STEPS
    assert answer.json_body["history"][-1]["version"] == 100 + MOST_STEPS
