"""Invoices, contracts and papers claimed twice, and claims that do not agree with what was delivered, paid and verified."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from datamarket.foundation.db import Database, PageAsked
from datamarket.subsidy.calls.terms import ApplicationEvent, Declaration
from datamarket.subsidy.integrity import queries
from datamarket.subsidy.integrity.tables import IntegrityFlag
from datamarket.subsidy.integrity.terms import Detector, FlagState
from tests.world import declared, subsidy
from tests.world.subsidy import AFTER_YEAR, MARCH, YEAR, Officers
from tests.world.trading import LEDGER_ID

DAY = timedelta(days=1)
OFFICERS = Officers()


async def flags(database: Database, detector: Detector, year: int = YEAR) -> list[IntegrityFlag]:
    page = PageAsked[UUID](200, None)
    async with database.transaction() as session:
        found = await queries.list_flags(
            session,
            LEDGER_ID,
            year=year,
            state=FlagState.RAISED,
            detector=detector,
            participant=None,
            page=page,
        )
        return list(found)


def told(flag: IntegrityFlag) -> list[tuple[Any, ...]]:
    return [(item["same"], item["case_id"], item["fen"]) for item in flag.claimed_items]


def paired(flag_items: Sequence[tuple[str, int]], first: object, later: object) -> list[tuple[Any, ...]]:
    return [row for same, fen in flag_items for row in ((same, str(first), 0), (same, str(later), fen))]


async def test_an_invoice_contract_or_paper_claimed_by_another_or_in_another_year_is_one_flag_a_pair(
    fresh_database: Database,
) -> None:
    one, other, honest = [await subsidy.enterprise(fresh_database) for _ in range(3)]
    cases = [await subsidy.case(fresh_database, owner, verified=False) for owner in (one, other, honest, one)]
    bill, deal, scan = declared.number(), "海数〔2024〕7号", "one scan"
    first = await declared.submitted(
        fresh_database,
        one,
        cases[0],
        900,
        [
            await declared.invoice(fresh_database, one, 500, of=bill),
            await declared.invoice(fresh_database, one, 400, text=scan),
            await declared.contract(fresh_database, one, 800, of=deal),
        ],
    )
    await declared.submitted(
        fresh_database,
        other,
        cases[1],
        1000,
        [
            await declared.invoice(fresh_database, other, 300, of=bill),
            await declared.invoice(fresh_database, other, 700, text=scan),
            await declared.contract(fresh_database, other, 600, of=" 海数[2024]7号"),
        ],
        under=first,
        now=AFTER_YEAR + DAY,
    )
    monthly = [await declared.invoice(fresh_database, honest, 50, text="bundle") for _ in range(1)]
    monthly.append(await declared.invoice(fresh_database, honest, 60, text="bundle"))
    await declared.submitted(fresh_database, honest, cases[2], 110, monthly, under=first)
    found = await subsidy.detected(fresh_database, OFFICERS, now=AFTER_YEAR + 2 * DAY)
    assert (found.found[Detector.CLAIMED_TWICE], found.found[Detector.MISMATCH]) == (1, 0)
    [flag] = await flags(fresh_database, Detector.CLAIMED_TWICE)
    assert set(flag.members) == {one.id, other.id}
    assert sorted(told(flag)) == sorted(
        paired([("invoice", 300), ("paper", 700), ("contract", 600)], cases[0].id, cases[1].id)
    )
    assert (flag.amount_fen, flag.trades, flag.sales) == (1600, 0, [])
    again = [await declared.invoice(fresh_database, one, 500, of=bill)]
    await declared.submitted(fresh_database, one, cases[3], 500, again, year=YEAR + 1, now=AFTER_YEAR + DAY)
    await subsidy.detected(fresh_database, OFFICERS, year=YEAR + 1, now=AFTER_YEAR + 2 * DAY)
    [later] = await flags(fresh_database, Detector.CLAIMED_TWICE, YEAR + 1)
    assert (later.members, told(later)) == ([one.id], paired([("invoice", 500)], cases[0].id, cases[3].id))


async def test_who_claimed_first_keeps_it_though_returned_since_and_a_copy_within_one_application_is_found(
    fresh_database: Database,
) -> None:
    one, other = [await subsidy.enterprise(fresh_database) for _ in range(2)]
    cases = [await subsidy.case(fresh_database, owner, verified=False) for owner in (one, other)]
    bill = declared.number()
    twins = [await declared.invoice(fresh_database, one, 70, text="twin") for _ in range(2)]
    mine = [await declared.invoice(fresh_database, one, 500, of=bill), *twins]
    first = await declared.submitted(fresh_database, one, cases[0], 640, mine)
    theirs = [await declared.invoice(fresh_database, other, 500, of=bill)]
    await declared.submitted(fresh_database, other, cases[1], 500, theirs, under=first, now=AFTER_YEAR + DAY)
    await declared.moved(fresh_database, one, first, None, ApplicationEvent.RETURN, now=AFTER_YEAR + 2 * DAY)
    alone = await subsidy.detected(fresh_database, OFFICERS, now=AFTER_YEAR + 3 * DAY)
    assert alone.found[Detector.CLAIMED_TWICE] == 0
    await declared.moved(fresh_database, one, first, Declaration(640, mine), now=AFTER_YEAR + 4 * DAY)
    await subsidy.detected(fresh_database, OFFICERS, now=AFTER_YEAR + 5 * DAY)
    found = [told(flag) for flag in await flags(fresh_database, Detector.CLAIMED_TWICE)]
    assert sorted(found) == sorted(
        [
            paired([("copy", 70)], cases[0].id, cases[0].id),
            paired([("invoice", 500)], cases[0].id, cases[1].id),
        ]
    )


async def test_a_claim_beyond_its_invoices_the_markets_books_or_what_was_verified_is_found_beyond_the_tolerance(
    fresh_database: Database,
) -> None:
    on = await subsidy.stage(fresh_database)
    buyers = [await subsidy.enterprise(fresh_database) for _ in range(5)]
    short, near, unpaid, cut, idle = buyers
    seller = await subsidy.enterprise(fresh_database)
    deals = {
        buyer.id: (await subsidy.sells(on, seller, 40_000, to=buyer, at=MARCH))[0] for buyer in (unpaid, idle)
    }
    first = None
    for buyer, shown, verified in (
        (short, 94_000, None),
        (near, 96_000, 96_000),
        (unpaid, 100_000, 100_000),
        (cut, 100_000, 60_000),
        (idle, 100_000, None),
    ):
        case = await subsidy.case(
            fresh_database, buyer, investment_fen=verified or 100_000, verified=verified is not None
        )
        items = [await declared.invoice(fresh_database, buyer, shown)]
        if buyer.id in deals:
            fen, deliveries = (100_000, None) if buyer is unpaid else (40_000, 12)
            items.append(
                await declared.contract(
                    fresh_database,
                    buyer,
                    fen,
                    contract_id=deals[buyer.id].contract.id,
                    deliveries=deliveries,
                )
            )
        made = await declared.submitted(fresh_database, buyer, case, 100_000, items, under=first)
        first = first or made
    await subsidy.detected(fresh_database, OFFICERS, now=AFTER_YEAR + DAY)
    found = {flag.members[0]: flag for flag in await flags(fresh_database, Detector.MISMATCH)}
    assert {member: flag.amount_fen for member, flag in found.items()} == {
        short.id: 6_000,
        unpaid.id: 60_000,
        cut.id: 0,
        idle.id: 0,
    }
    assert found[idle.id].figures["deliveries"] == 12
    assert (found[idle.id].figures["delivered"], found[unpaid.id].figures["unpaid_fen"]) == (1, 60_000)
