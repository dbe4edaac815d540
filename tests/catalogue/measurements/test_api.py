"""Measured quality: by another than the maker, of what is approved, with its day; and samples in whole rows."""

from datetime import date
from typing import Any

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.participants.affiliations.actions import affiliate
from datamarket.participants.terms import ParticipantKind
from tests.catalogue.steps import product_body
from tests.conftest import ClientFor
from tests.world import catalogue
from tests.world.participants import acting_for, admitted
from tests.world.people import AUTHORITY, REVIEWER, actor, moment, unique

FIGURES = {"completeness_bps": 9_930, "response_ms": 180}


def measured(**changes: Any) -> dict[str, Any]:
    return {"measured_on": "2024-06-03", "figures": FIGURES} | changes


async def test_quality_is_measured_by_another_than_the_maker_and_everyone_may_read_it(
    database: Database, client_for: ClientFor
) -> None:
    async with database.transaction() as session:
        made, draft = await catalogue.approved_product(session), await catalogue.draft_product(session)
        inspector, affiliated = [await admitted(session, ParticipantKind.THIRD_PARTY) for _ in range(2)]
        await affiliate(
            session,
            AUTHORITY,
            controller_id=affiliated.id,
            controlled_id=made.maker.id,
            from_on=date(2020, 1, 1),
            now=moment(),
        )
    path, client = f"/products/{made.product.id}/measurements", client_for(acting_for(inspector))
    told = await client.post(path, json=measured())
    assert (told.status_code, told.json()["measured_by"]) == (201, str(inspector.id)), told.text
    shown = (await client_for(None).get(path)).json()["items"]
    assert [(one["number"], one["measured_on"], one["figures"]) for one in shown] == [
        (1, "2024-06-03", FIGURES)
    ]
    owner = client_for(actor(Role.REVIEWER, organisation=made.maker.id))
    for by, body, refusal in (
        (client, measured(), (409, "measurement.twice")),
        (client, measured(measured_on="2024-06-04"), (422, "measurement.untimely")),
        (client, measured(figures={"timeliness_bps": 10_001}), (422, "measurement.figure-impossible")),
        (client_for(acting_for(affiliated)), measured(), (409, "measurement.of-own-product")),
        (owner, measured(), (409, "measurement.of-own-product")),
        (client_for(REVIEWER), measured(), (403, "auth.organisation-needed")),
        (client_for(made.account), measured(), (403, "auth.not-permitted")),
    ):
        answer = await by.post(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == refusal
    hidden = f"/products/{draft.product.id}/measurements"
    assert (await client_for(None).get(hidden)).status_code == 404
    assert (await client.post(hidden, json=measured())).status_code == 404
    assert (await client_for(draft.account).get(hidden)).json()["items"] == []


async def test_only_an_approved_version_is_measured(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        made = await catalogue.approved_product(session)
        inspector = await admitted(session, ParticipantKind.THIRD_PARTY)
    path = f"/products/{made.product.id}"
    recall = {"event": "recall", "reason": "样例失实"}
    assert (await client_for(AUTHORITY).post(f"{path}/events", json=recall)).status_code == 200
    answer = await client_for(acting_for(inspector)).post(f"{path}/measurements", json=measured(version=1))
    assert (answer.status_code, answer.json()["code"]) == (409, "measurement.version-not-approved")


async def test_samples_are_a_few_whole_rows(database: Database, client_for: ClientFor) -> None:
    async with database.transaction() as session:
        maker = client_for(acting_for(await admitted(session)))
    rows = [
        {"name": "risk", "description": "风险等级", "sample": "3", "further": ["1", "2"]},
        {"name": "day", "description": "日期", "sample": "2024-06-01", "further": ["2024-06-02"]},
    ]
    body = product_body(unique("OP"), sample_fields=rows)
    uneven = await maker.post("/products", json=body)
    assert (uneven.status_code, uneven.json()["code"]) == (422, "product.sample-rows-uneven")
    rows[1]["further"] = ["2024-06-02", "2024-06-03"]
    made = await maker.post("/products", json=body)
    assert made.json()["content"]["sample_fields"] == rows
    rows[1]["further"] = ["2024-06-02"] * 5
    assert (await maker.post("/products", json=body)).status_code == 422
