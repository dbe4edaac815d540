"""Control over HTTP: recorded, ended, never in a circle; who is related on which day."""

import asyncio
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import text

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.participants.affiliations import actions as affiliation_actions
from datamarket.participants.affiliations import queries as affiliation_queries
from datamarket.participants.affiliations.rules import ControlCircle
from tests.conftest import ClientFor
from tests.world.participants import admitted
from tests.world.people import AUTHORITY, actor, moment

BUYER = actor(Role.BUYER)


async def test_control_is_recorded_ended_and_read_from_both_sides(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        parent, child = await admitted(session), await admitted(session)
    authority = client_for(AUTHORITY)
    path = f"/participants/{child.id}/affiliations"
    body = {"controller_id": str(parent.id), "from_on": "2023-01-01"}
    created = await authority.post(path, json=body)
    assert (created.status_code, created.json()["to_on"]) == (201, None)
    for faulty, code in [
        (body, "affiliation.overlap"),
        (body | {"controller_id": str(child.id)}, "affiliation.self-control"),
        (body | {"to_on": "2022-01-01"}, "participant.term-empty"),
        (body | {"controller_id": str(AUTHORITY.account_id)}, "not-found"),
    ]:
        assert (await authority.post(path, json=faulty)).json()["code"] == code
    back = await authority.post(
        f"/participants/{parent.id}/affiliations", json=body | {"controller_id": str(child.id)}
    )
    assert (back.status_code, back.json()["code"]) == (409, "affiliation.circle")
    end = f"{path}/{created.json()['id']}/events"
    ended = await authority.post(end, json={"event": "end", "on": "2024-01-01"})
    assert (ended.status_code, ended.json()["to_on"]) == (200, "2024-01-01")
    again = await authority.post(end, json={"event": "end", "on": "2024-02-01"})
    assert again.json()["code"] == "affiliation.ended"
    for side in (parent, child):
        listed = await client_for(BUYER).get(f"/participants/{side.id}/affiliations")
        assert [item["id"] for item in listed.json()["items"]] == [created.json()["id"]]
    stranger = f"/participants/{AUTHORITY.account_id}/affiliations/{created.json()['id']}/events"
    assert (await authority.post(stranger, json={"event": "end", "on": "2025-01-01"})).status_code == 404


async def related_days(database: Database, a: UUID, b: UUID, days: list[date]) -> list[bool]:
    """As the function says, having checked on each day that the view says the same, both ways round."""
    answers = []
    async with database.transaction() as session:
        view = text(
            "SELECT 1 FROM related_party WHERE a_id = :a AND b_id = :b"
            " AND from_on <= :on AND (to_on IS NULL OR to_on > :on)"
        )
        connection = await session.connection()
        for on in days:
            answer = await affiliation_queries.are_related(session, a, b, on)
            assert answer == await affiliation_queries.are_related(session, b, a, on)
            for one, other in ((a, b), (b, a)):
                row = (await connection.execute(view, {"a": one, "b": other, "on": on})).first()
                assert (row is not None) == answer
            answers.append(answer)
    return answers


async def test_related_are_chains_and_common_controllers_on_the_days_that_all_links_share(
    database: Database,
) -> None:
    async with database.transaction() as session:
        group, holding, firm, sister, stranger = [await admitted(session) for _ in range(5)]
        for controller, controlled, begins, ends in [
            (group, holding, date(2020, 1, 1), None),
            (holding, firm, date(2022, 1, 1), date(2024, 1, 1)),
            (group, sister, date(2021, 1, 1), date(2023, 1, 1)),
        ]:
            await affiliation_actions.affiliate(
                session,
                AUTHORITY,
                controller_id=controller.id,
                controlled_id=controlled.id,
                from_on=begins,
                to_on=ends,
                now=moment(),
            )
    days = [date(2021, 12, 31), date(2022, 1, 1), date(2022, 12, 31), date(2023, 1, 1), date(2024, 1, 1)]
    assert await related_days(database, group.id, firm.id, days) == [False, True, True, True, False]
    assert await related_days(database, sister.id, firm.id, days) == [False, True, True, False, False]
    assert await related_days(database, sister.id, holding.id, days) == [True, True, True, False, False]
    assert await related_days(database, stranger.id, firm.id, days) == [False] * 5
    assert await related_days(database, firm.id, firm.id, days) == [False] * 5


async def test_control_may_turn_round_once_the_first_has_ended(database: Database) -> None:
    async with database.transaction() as session:
        one, middle, other = [await admitted(session) for _ in range(3)]

        async def control(a: UUID, b: UUID, begins: date, ends: date | None) -> None:
            await affiliation_actions.affiliate(
                session, AUTHORITY, controller_id=a, controlled_id=b, from_on=begins, to_on=ends, now=moment()
            )

        await control(one.id, middle.id, date(2020, 1, 1), date(2024, 1, 1))
        await control(middle.id, other.id, date(2021, 1, 1), None)
        with pytest.raises(ControlCircle):
            await control(other.id, one.id, date(2023, 12, 31), None)
        await control(other.id, one.id, date(2024, 1, 1), None)


async def test_of_two_controls_that_would_close_a_circle_at_once_one_is_refused(
    client_for: ClientFor, database: Database
) -> None:
    async with database.transaction() as session:
        one, other = await admitted(session), await admitted(session)
    authority = client_for(AUTHORITY)
    answers = await asyncio.gather(
        *(
            authority.post(
                f"/participants/{controlled.id}/affiliations",
                json={"controller_id": str(controller.id), "from_on": "2024-01-01"},
            )
            for controller, controlled in ((one, other), (other, one))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
