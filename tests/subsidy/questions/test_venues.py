"""Which venues count, and whose side: what a question says of one snapshot is what another register gives in a new one."""

from datetime import UTC, date, datetime

import pytest

from datamarket.catalogue.venues import actions as venue_actions
from datamarket.catalogue.venues import queries as venue_queries
from datamarket.catalogue.venues.terms import FeePayer, VenueTerms
from datamarket.foundation.db import Database, driver
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import Fen
from datamarket.subsidy.facts import snapshot as snapshots
from datamarket.subsidy.facts.counterfactual import SnapshotLacks, changed
from datamarket.subsidy.facts.snapshot import TakenSnapshot
from datamarket.subsidy.terms import Snapshot
from tests.world import subsidy as world
from tests.world.people import AUTHORITY
from tests.world.subsidy import AFTER_YEAR, MARCH, YEAR
from tests.world.trading import LEDGER_ID, refund, trade

SEPTEMBER = datetime(YEAR, 9, 1, 4, tzinfo=UTC)


async def taken(database: Database) -> TakenSnapshot:
    async with database.transaction() as session:
        year = snapshots.RunYear(LEDGER_ID, YEAR, AFTER_YEAR, new_id(AFTER_YEAR))
        return await snapshots.take(await driver(session), year, as_of=AFTER_YEAR)


def nets(of: Snapshot) -> dict[str, object]:
    return {row.id: row.facts["net_platform_turnover"] for row in of.candidates}


async def test_a_venue_counted_in_a_question_is_the_venue_counted_in_the_register(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = await world.stage(fresh_database)
    first, second, buyer = [await world.enterprise(fresh_database) for _ in range(3)]
    spring, [_, given_back] = await world.sells(on, first, 1_000, 200, venue=on.other_venue, at=MARCH)
    await refund(fresh_database, spring, given_back.id, Fen(50), at=SEPTEMBER)
    await trade(fresh_database, spring, 7_000, at=SEPTEMBER)
    await world.sells(on, second, 3_000, to=buyer, at=MARCH)
    related, _ = await world.sells(on, second, 400, venue=on.other_venue, to=buyer, at=MARCH)
    await trade(fresh_database, related, 60, at=SEPTEMBER)
    await world.controls(fresh_database, second, buyer, since=date(YEAR, 6, 1))
    frozen = await taken(fresh_database)
    world.assert_months_add_up(frozen)
    assert nets(frozen.snapshot)[first.uscc] == 0
    asked = {"facts.venues": {on.other_venue.code: {"from": f"{YEAR}-09-01"}, on.venue.code: None}}
    other = changed(frozen.snapshot, asked, YEAR)
    async with fresh_database.transaction() as session:
        for venue, since in ((on.other_venue, date(YEAR, 9, 1)), (on.venue, None)):
            row = await venue_queries.lock_venue(session, venue.id)
            terms = VenueTerms("平台", "Venue", since, "assumed", 100, FeePayer.SELLER, None)
            await venue_actions.edit_venue(
                session, AUTHORITY, row, terms=terms, now=AFTER_YEAR.replace(year=2024)
            )
    again = await taken(fresh_database)
    world.assert_months_add_up(again)
    assert nets(other) == nets(again.snapshot)
    assert (nets(other)[first.uscc], nets(other)[second.uscc]) == (7_000, 0)
    monkeypatch.setattr(snapshots, "MOST_SELLERS_BY_MONTH", 1)
    large = await taken(fresh_database)
    assert "turnover_by_month" not in large.facts
    with pytest.raises(SnapshotLacks):
        changed(large.snapshot, {"facts.party": "buyer"}, YEAR)
    bought = nets(changed(frozen.snapshot, {"facts.party": "buyer"}, YEAR))
    assert (bought[buyer.uscc], bought[first.uscc]) == (3_000, 0)
