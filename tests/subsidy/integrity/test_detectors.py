"""What each detector finds in a year, what it leaves alone, and that it finds nothing twice."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from datamarket.foundation.db import Database, PageAsked
from datamarket.participants.tables import Participant
from datamarket.subsidy.integrity import queries, rings
from datamarket.subsidy.integrity.tables import IntegrityFlag
from datamarket.subsidy.integrity.terms import Detector, FlagState
from datamarket.trading.orders.terms import OrderEvent
from tests.world import orders, subsidy, trading
from tests.world.people import moment
from tests.world.subsidy import AFTER_YEAR, MARCH, YEAR, Officers, Stage
from tests.world.trading import LEDGER_ID

DAY = timedelta(days=1)
DECEMBER = datetime(YEAR, 12, 28, 4, tzinfo=UTC)
OFFICERS = Officers()


async def companies(database: Database, number: int) -> list[Participant]:
    return [await subsidy.enterprise(database) for _ in range(number)]


async def goes_round(
    on: Stage, members: Sequence[Participant], amounts: Sequence[int], *, days: int = 3
) -> None:
    """Each sells to the next, some days after the one before it."""
    for place, (seller, amount) in enumerate(zip(members, amounts, strict=True)):
        buyer = members[(place + 1) % len(members)]
        await subsidy.sells(on, seller, amount, to=buyer, at=MARCH + place * days * DAY)


async def flags(database: Database, state: FlagState = FlagState.RAISED) -> list[IntegrityFlag]:
    async with database.transaction() as session:
        page = PageAsked[UUID](200, None)
        found = await queries.list_flags(
            session, LEDGER_ID, year=None, state=state, detector=None, participant=None, page=page
        )
        return list(found)


def told(found: Sequence[IntegrityFlag]) -> set[tuple[str, frozenset[UUID], int]]:
    return {(flag.detector, frozenset(flag.members), flag.amount_fen) for flag in found}


def ids(*members: Participant) -> frozenset[UUID]:
    return frozenset(member.id for member in members)


async def test_every_planted_scheme_is_found_and_honest_trade_is_left_alone(fresh_database: Database) -> None:
    on = await subsidy.stage(fresh_database)
    three, six = await companies(fresh_database, 3), await companies(fresh_database, 6)
    to, fro, parent, child, split, burst, fine = await companies(fresh_database, 7)
    await goes_round(on, three, [5_000_000, 4_800_000, 4_900_000])
    await goes_round(on, six, [3_000_000] * 6)
    for seller, buyer in ((to, fro), (fro, to)):
        await subsidy.sells(on, seller, 300_000, 300_000, to=buyer, at=MARCH)
    await subsidy.controls(fresh_database, parent, child, since=date(YEAR, 4, 1), until=date(YEAR, 5, 1))
    await subsidy.sells(on, child, 700_000, to=parent, at=MARCH)
    await subsidy.sells(on, split, *[9_500_000] * 3, at=MARCH)
    deal, [sold] = await subsidy.sells(on, burst, 40_000_000, at=DECEMBER)
    await trading.refund(fresh_database, deal, sold.id, at=AFTER_YEAR)
    await subsidy.sells(on, fine, 9_500_000, 8_000_000, 20_000_000, at=MARCH)
    await goes_round(on, [fine, split, burst], [2_000_000, 9_000_000, 300_000])
    assert (await subsidy.detected(fresh_database, OFFICERS)).raised == 6
    assert told(await flags(fresh_database)) == {
        ("ring", ids(*three), 14_700_000),
        ("ring", ids(*six), 18_000_000),
        ("pingpong", ids(to, fro), 1_200_000),
        ("related", ids(parent, child), 700_000),
        ("split", ids(split, on.buyer), 28_500_000),
        ("burst", ids(burst, on.buyer), 0),
    }


async def test_what_was_found_is_not_raised_again_and_what_has_grown_is_another_flag(
    fresh_database: Database,
) -> None:
    on = await subsidy.stage(fresh_database)
    to, fro = await companies(fresh_database, 2)
    deals = [
        (await subsidy.sells(on, seller, 300_000, 300_000, to=buyer, at=MARCH))[0]
        for seller, buyer in ((to, fro), (fro, to))
    ]
    first = await subsidy.detected(fresh_database, OFFICERS)
    again = await subsidy.detected(fresh_database, OFFICERS)
    assert (first.raised, again.raised, again.lapsed, again.found) == (1, 0, 0, first.found)
    await trading.trade(fresh_database, deals[0], 300_000, at=MARCH + DAY)
    grown = await subsidy.detected(fresh_database, OFFICERS)
    assert (grown.raised, grown.lapsed) == (1, 1)
    [now], [before] = await flags(fresh_database), await flags(fresh_database, FlagState.LAPSED)
    assert (before.trades, now.trades, now.amount_fen) == (4, 5, 1_500_000)


async def test_deliveries_that_nobody_used_are_found_only_where_they_make_up_the_year(
    fresh_database: Database,
) -> None:
    idle, busy = [await trading.active_contract(fresh_database) for _ in range(2)]
    for deal in (idle, busy):
        for _ in range(3):
            order = await orders.delivered(fresh_database, deal)
            await orders.moved(fresh_database, deal.buyer_account, order.id, OrderEvent.ACCEPT)
    await trading.trade(fresh_database, busy)
    year = moment().year
    early = await subsidy.detected(fresh_database, OFFICERS, year=year, now=moment() + DAY)
    late = await subsidy.detected(fresh_database, OFFICERS, year=year, now=moment() + 61 * DAY)
    assert (early.found[Detector.UNUSED], late.found[Detector.UNUSED]) == (0, 1)
    [flag] = await flags(fresh_database)
    assert frozenset(flag.members) == {idle.buyer.id, idle.provider.id}


MEMBERS = [UUID(int=number) for number in range(1, 6)]


@given(
    st.dictionaries(
        st.sampled_from(list(permutations(MEMBERS, 2))), st.integers(min_value=1, max_value=20), max_size=14
    ),
    st.integers(min_value=2, max_value=5),
    st.sampled_from([Fraction(1), Fraction(4, 5), Fraction(1, 2)]),
)
def test_rings_are_those_that_trying_every_order_of_members_gives(
    edges: dict[tuple[UUID, UUID], int], members: int, likeness: Fraction
) -> None:
    def is_ring(path: tuple[UUID, ...]) -> bool:
        amounts = [edges.get(edge) for edge in rings.edges_of(path)]
        known = [amount for amount in amounts if amount is not None]
        return len(known) == len(amounts) and min(known) >= likeness * max(known)

    tried = {
        path
        for size in range(2, members + 1)
        for path in permutations(MEMBERS, size)
        if path[0] == min(path) and is_ring(path)
    }
    sold = [rings.Sold(seller, buyer, fen) for (seller, buyer), fen in edges.items()]
    search = rings.find_rings(sold, members=members, likeness=likeness)
    assert (sorted(search.rings), search.whole) == (sorted(tried), True)
