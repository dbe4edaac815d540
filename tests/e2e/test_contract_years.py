"""A year of a contract of each kind: what was agreed, used, paid and given back is the same wherever one looks."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from datamarket.commands.demo import report
from datamarket.commands.demo.contract_years import ContractYear, Playing
from datamarket.contracts.kinds.terms import ContractKind
from datamarket.evidence.log.sealing import await_watermark
from datamarket.foundation.db import Database
from datamarket.server.app import create_app
from tests.conftest import Client, client_of, own_database
from tests.world import catalogue
from tests.world.books import assert_books_hold
from tests.world.participants import acting_for, admitted
from tests.world.people import FINANCE, NOON, enrol
from tests.world.sealing import settings_in, tool
from tests.world.trading import LEDGER_ID

PLANS = {
    ContractKind.PROVISION: catalogue.PER_CALL,
    ContractKind.PROCESSING: catalogue.ONE_OFF,
    ContractKind.JOINT_DEVELOPMENT: catalogue.GRADUATED,
    ContractKind.INTERMEDIARY: catalogue.YEARLY,
}


class Market(NamedTuple):
    """A small market, the two sides of a contract, and the year that they had."""

    year: ContractYear
    buyer: Client
    provider: Client
    owners: dict[str, str]

    @property
    def contract(self) -> str:
        return f"/contracts/{self.year.contract_id}"

    async def moved(self, side: Client, kind: str) -> list[dict[str, Any]]:
        """All that moved on one account of a side, by its statements of the months of the year."""
        months = [*range(202406, 202413), *range(202501, 202506)]
        answers = [await side.get(f"/statements/{self.owners[kind]}/{month}?limit=100") for month in months]
        lines = [line for answer in answers for line in answer.json()["items"]]
        return [line for line in lines if line["account_kind"] == kind]

    async def standing(self, side: Client) -> dict[str, tuple[int, int]]:
        """Balance and held money of each account of a side, as the ledger has them."""
        rows = (await side.get("/ledger/accounts")).json()["items"]
        return {row["kind"]: (row["balance_fen"], row["held_fen"]) for row in rows}


@pytest_asyncio.fixture(scope="module", params=ContractKind)
async def market(
    request: pytest.FixtureRequest,
    server_url: str,
    database_url: str,  # the databases of this worker are there
    worker_id: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Market]:
    async with own_database(server_url, worker_id) as database:
        yield await _played(database, request.param, tmp_path_factory.mktemp("var"))
        await assert_books_hold(database.url)


async def _played(database: Database, kind: ContractKind, folder: Path) -> Market:
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session, plan=PLANS[kind])
        asking = await admitted(session)
    actor = acting_for(asking)
    await enrol(database, actor, listed.account, FINANCE)
    app = create_app(settings_in(folder), database, read_clock=lambda: NOON)
    sides = actor, listed.account, FINANCE
    notary = app.state.sealer.notary
    year = await Playing(database, LEDGER_ID, notary, kind, listed.listing.id, *sides, NOON).play()
    await await_watermark(database)
    await app.state.sealer.seal(database, now=NOON)
    buyer, provider = (client_of(app, who, NOON) for who in (actor, listed.account))
    owners = {"buyer_funds": str(asking.id), "provider_income": str(listed.maker.id)}
    return Market(year, buyer, provider, owners)


async def test_statements_ledger_and_certificates_agree_to_the_fen(market: Market) -> None:
    year, key = market.year, (await market.buyer.get("/evidence/key")).text
    trades = (await market.buyer.get("/trades", params={"contract": str(year.contract_id)})).json()["items"]
    certified = [(await market.buyer.get(f"/trades/{trade['id']}/certificate")).json() for trade in trades]
    assert [told["trade"] for told in certified] == trades
    assert all(tool().check_certificate(told, key) for told in certified)
    amounts = [(trade["amount_fen"], trade["refunded_fen"]) for trade in trades]
    paid, refunded = (sum(column) for column in zip(*amounts, strict=True))
    assert (year.paid_fen, year.refunded_fen, year.trades) == (paid, refunded, len(trades))
    assert paid > refunded > 0
    uses = (await market.buyer.get(f"{market.contract}/uses")).json()["items"]
    assert year.units == sum(use["quantity"] for use in uses) == sum(trade["quantity"] for trade in trades)
    funds = await market.moved(market.buyer, "buyer_funds")
    deposited = sum(line["amount_fen"] for line in funds if line["kind"] == "deposit")
    standing = await market.standing(market.buyer)
    assert standing["buyer_funds"] == (deposited - paid + refunded, 0)
    assert standing["escrow"] == (0, 0)
    income = sum(line["amount_fen"] for line in await market.moved(market.provider, "provider_income"))
    assert (await market.standing(market.provider))["provider_income"] == (income, 0)
    assert year.agrees


async def test_every_version_is_signed_by_its_digest_and_the_data_are_disposed_of(market: Market) -> None:
    year = market.year
    offers = (await market.provider.get(f"{market.contract}/offers")).json()["items"]
    assert [offer["state"] for offer in offers] == ["replaced"] * 3 + ["in_force"]
    texts = {
        offer["number"]: await market.buyer.get(f"{market.contract}/text?version={offer['number']}")
        for offer in offers
    }
    signed = (await market.buyer.get(f"{market.contract}/signatures")).json()["items"]
    sides = [(one["number"], one["party"]) for one in signed]
    assert sides == [
        (2, "provider"),
        (2, "buyer"),
        (3, "buyer"),
        (3, "provider"),
        (4, "provider"),
        (4, "buyer"),
    ]
    for one in signed:
        assert one["digest"] == sha256(texts[one["number"]].content).hexdigest()
    assert year.digest == signed[-1]["digest"]
    with report.console.capture() as shown:
        report.print_contract_years([year])
    assert all(told in shown.get() for told in (year.kind.zh, year.digest[:12], "是 yes"))
    contract = (await market.buyer.get(market.contract)).json()
    assert (contract["state"], contract["kind"]) == ("ended", year.kind)
    disposal = (await market.provider.get(f"{market.contract}/disposal")).json()
    assert disposal["state"] == "proved"
    [order] = (await market.buyer.get("/orders")).json()["items"]
    assert (order["state"], order["cure_by"] is None) == ("accepted", False)
