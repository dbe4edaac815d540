"""Pages of oversight: each shows what the API answers to an auditor, and nothing to a party."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as some

from datamarket.evidence.invariants.actions import keep_runs
from datamarket.foundation.checks import CheckResult
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.foundation.settings import Settings
from datamarket.portal.oversight.flows import GAP, flow_of
from datamarket.server.housekeeping import QUICK, watch_the_books
from datamarket.slices import checks
from tests.conftest import ClientFor, client_of
from tests.portal.test_parties import browser, read, said
from tests.world import payouts, trading
from tests.world.payouts import Officers
from tests.world.people import AUDITOR, NOON, moment
from tests.world.trading import LEDGER_ID

PAGES = (
    "", "/balance", "/balance?at=2024-06-02", "/months", "/accounts", "/accounts?kind=buyer_funds", "/income?year=2024",
    "/income?year=2022", "/payouts", "/bank", "/bank?day=2024-06-03", "/trades", "/trades?since=2024-06-01", "/chain",
    "/checks", "/trail", "/trail?action=contracts.sign",
)  # fmt: skip


async def test_an_auditor_reads_every_page_and_a_party_none_of_what_is_an_overseers(
    app: FastAPI, database: Database
) -> None:
    deal = await trading.active_contract(database)
    await trading.trade(database, deal, 3)
    for language in ("zh", "en"):
        async with browser(app, AUDITOR, language) as auditor:
            for page in PAGES:
                assert "<h1>" in await read(auditor, f"/oversight{page}")
    async with browser(app, deal.buyer_account) as buyer:
        for page in ("", "/checks", "/trail"):
            assert (await buyer.get(f"/oversight{page}")).status_code == 403


async def test_debits_equal_credits_and_an_account_runs_from_opening_to_closing(
    app: FastAPI, database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database, funds=Fen(123_456))
    sold = await trading.trade(database, deal, 1)
    told = (await client_for(AUDITOR).get("/ledger/accounts", params={"owner": str(deal.buyer.id)})).json()
    [account] = told["items"]
    async with browser(app, AUDITOR) as auditor:
        balance = said(await read(auditor, "/oversight/balance"))
        page = said(await read(auditor, f"/oversight/accounts/{account['id']}"))
        wrong = await auditor.get(f"/oversight/accounts/{account['id']}?from=never&to=2024-06-30")
    assert "Debits equal credits." in balance
    assert "1,234.56" in page
    assert f"{(123_456 - sold.amount_fen) / 100:,.2f}" in page
    assert wrong.status_code == 200
    assert 'role="alert"' in wrong.text


async def test_a_chain_is_shown_on_a_day_and_a_day_before_the_contract_says_so(
    app: FastAPI, database: Database
) -> None:
    deal = await trading.active_contract(database, of_zone=True)
    at = f"/oversight/chain?contract={deal.contract.id}"
    async with browser(app, AUDITOR) as auditor:
        now = said(await read(auditor, f"{at}&at=2024-06-04"))
        before = said(await read(auditor, f"{at}&at=2020-01-01"))
        wrong = await read(auditor, f"{at}&at=yesterday")
    assert "the mandate" in now
    assert "The chain stood on that day" in now
    assert "was not yet in force" in before
    assert 'role="alert"' in wrong


async def test_the_invariants_are_listed_with_what_was_last_found_by_whomever(
    database: Database, client_for: ClientFor
) -> None:
    auditor, now = client_for(AUDITOR), moment()

    async def told() -> dict[str, Any]:
        return {one["id"]: one for one in (await auditor.get("/checks")).json()["checks"]}

    await watch_the_books(database, LEDGER_ID, now)
    before = await told()
    assert list(before) == [check.id for check in checks()]
    quick = [one["last_run"] for one in before.values() if one["quick"]]
    assert [one["holds"] for one in quick] == [True] * len(QUICK)
    assert min(one["at"] for one in quick) >= now.isoformat()[:19]

    newest = datetime.fromisoformat(before[QUICK[0].id]["last_run"]["at"])  # others' days may lie ahead
    broken, later = CheckResult(QUICK[0], 7, ["an account"]), newest + timedelta(days=365)
    await keep_runs(database, LEDGER_ID, [broken], later)
    await keep_runs(database, LEDGER_ID, [CheckResult(QUICK[0], 8, [])], later - timedelta(seconds=1))
    await keep_runs(
        Database(database.url, 1), LEDGER_ID, [broken], later
    )  # nobody answers: nothing is raised
    last = (await told())[QUICK[0].id]["last_run"]
    assert (last["seen"], last["holds"], last["breaches"]) == (7, False, ["an account"])
    await keep_runs(database, LEDGER_ID, [CheckResult(QUICK[0], 9, [])], later)


async def test_the_invariants_are_for_who_reads_the_log(database: Database, client_for: ClientFor) -> None:
    buyer = (await trading.requested_contract(database)).buyer_account
    assert (await client_for(buyer).get("/checks")).status_code == 403
    assert (await client_for(None).get("/checks")).status_code == 401


@pytest.mark.parametrize("language", ["zh", "en"])
@given(some.lists(some.integers(0, 10**12), max_size=6))
def test_a_flow_is_as_high_as_what_flows_and_no_band_lies_on_another(
    language: str, credited: list[int]
) -> None:
    lines: list[dict[str, Any]] = [
        {"code": str(nth), "label_zh": "", "label_en": "", "credit_fen": fen}
        for nth, fen in enumerate(credited)
    ]
    flow = flow_of({"income": {"lines": lines}}, language)
    if not any(credited):
        assert flow is None
        return
    assert flow is not None
    assert flow.fen == sum(credited) == sum(band.fen for band in flow.bands)
    for upper, lower in zip(flow.bands, flow.bands[1:], strict=False):
        assert upper.fen >= lower.fen
        assert lower.top == upper.top + upper.height + GAP
    assert flow.bands[-1].top + flow.bands[-1].height <= flow.height


async def test_payouts_are_found_by_whom_they_pay_and_a_batch_names_who_did_what(
    fresh_database: Database, settings: Settings
) -> None:
    earned = await payouts.earned(fresh_database, trades=1)
    officers = Officers()
    batch = await payouts.proposed(fresh_database, officers)
    market = payouts.app_at(settings, fresh_database, NOON)
    payee = earned.agreements[1].provider
    async with client_of(market, AUDITOR, NOON) as auditor, client_of(market, officers.maker, NOON) as maker:
        found = (await auditor.get("/payouts", params={"payee": str(payee.id)})).json()["items"]
        assert (await maker.get("/payouts", params={"payee": "nobody"})).status_code == 422
    async with (
        browser(market, AUDITOR) as pages,
        browser(market, earned.agreements[1].provider_account) as party,
    ):
        page = said(await read(pages, f"/oversight/payouts/{batch.id}"))
        money = said(await read(party, "/my/money"))
    assert [one["payee_id"] for one in found] == [str(payee.id)]
    assert found[0]["payee_name"] in page
    assert "Drafted" in page
    assert found[0]["bank_reference"] in money
