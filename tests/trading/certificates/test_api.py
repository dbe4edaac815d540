"""A trade's certificate: numbered by its place in the log, signed, and checked without the market."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from datamarket.evidence.log.notes import Notary
from datamarket.evidence.log.sealing import await_watermark
from datamarket.foundation.db import Database
from datamarket.server.app import create_app
from tests.conftest import Client, client_of
from tests.world import catalogue, trading
from tests.world.people import NOON
from tests.world.sealing import settings_in, tool
from tests.world.trading import Agreement


class Market(NamedTuple):
    """A market with a sealer of its own, a deal, and its buyer."""

    app: FastAPI
    database: Database
    deal: Agreement
    buyer: Client

    async def certificate(self, trade_id: object) -> dict[str, Any]:
        answer = await self.buyer.get(f"/trades/{trade_id}/certificate")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def seal(self) -> None:
        await await_watermark(self.database)
        await self.app.state.sealer.seal(self.database, now=NOON)

    async def key(self) -> str:
        return (await self.buyer.get("/evidence/key")).text


@pytest_asyncio.fixture
async def market(fresh_database: Database, tmp_path: Path) -> AsyncIterator[Market]:
    app = create_app(settings_in(tmp_path), fresh_database, read_clock=lambda: NOON)
    deal = await trading.active_contract(fresh_database)
    buyer = client_of(app, deal.buyer_account, NOON)
    yield Market(app, fresh_database, deal, buyer)
    await buyer.aclose()


async def test_a_certificate_has_a_number_of_its_own_once_it_is_sealed(market: Market) -> None:
    trades = [await trading.trade(market.database, market.deal, units) for units in (1, 2, 3)]
    fresh = await market.certificate(trades[0].id)
    assert (fresh["number"], fresh["proof"], fresh["note"]) == (None, None, None)
    assert fresh["entry_digest"]
    await market.seal()
    certificates = [await market.certificate(trade.id) for trade in trades]
    assert len({told["number"] for told in certificates}) == 3
    for told in certificates:
        assert told["number"] == f"TC370200-2024-{told['proof']['index']:012}"
        assert told["proof"]["leaf"]["id"] == told["entry_id"]
        assert tool().check_certificate(told, await market.key())
    await trading.trade(market.database, market.deal)
    await market.seal()
    later = await market.certificate(trades[0].id)
    assert (later["number"], later["note"]) == (certificates[0]["number"], certificates[0]["note"])
    assert later["proof"]["checkpoint"] != certificates[0]["proof"]["checkpoint"]


async def test_no_digit_proof_or_key_can_be_another(market: Market) -> None:
    trades = [await trading.trade(market.database, market.deal, units) for units in (1, 2)]
    await market.seal()
    told, other = [await market.certificate(trade.id) for trade in trades]
    check, key = tool().check_certificate, await market.key()
    assert check(told, key)
    forgeries: list[dict[str, Any]] = [
        {"trade": told["trade"] | {"amount_fen": told["trade"]["amount_fen"] + 1}},
        {"number": other["number"]},
        {"entry_digest": other["entry_digest"]},
        {"entry_id": other["entry_id"]},
        {"entry_id": None},
        {"proof": other["proof"]},
        {"proof": told["proof"] | {"index": told["proof"]["index"] ^ 1}},
        {"proof": None},
        {"note": other["note"]},
        {"note": told["note"].replace('"quantity":1', '"quantity":2')},
        {"note": None},
    ]
    assert [forged for forged in forgeries if check(told | forged, key)] == []
    stranger = Notary("datamarket/370200", Ed25519PrivateKey.generate()).reader.line
    assert not check(told, stranger)
    assert not tool().check_quote(told["note"], key), "a certificate is no quote"


async def test_a_refund_shows_and_a_free_trade_is_certified_by_its_event(market: Market) -> None:
    trade = await trading.trade(market.database, market.deal, 2)
    free = await trading.active_contract(market.database, plan=catalogue.FREE, buyer=market.deal.buyer)
    given = await trading.trade(market.database, free)
    await market.seal()
    before = await market.certificate(trade.id)
    await trading.refund(market.database, market.deal, trade.id)
    after = await market.certificate(trade.id)
    assert (after["trade"]["state"], after["number"]) == ("refunded", before["number"])
    assert after["note"] != before["note"]
    told, key = await market.certificate(given.id), await market.key()
    assert (told["entry_id"], told["proof"]["leaf"]["kind"]) == (None, "audit")
    assert all(tool().check_certificate(one, key) for one in (before, after, told))


@pytest.mark.parametrize(("changed", "exits"), [({}, 0), ({"number": "TC370200-2024-000000000000"}, 1)])
async def test_the_tool_says_so_by_its_exit_code(
    market: Market, tmp_path: Path, changed: dict[str, Any], exits: int
) -> None:
    trade = await trading.trade(market.database, market.deal)
    await market.seal()
    told = await market.certificate(trade.id) | changed
    (tmp_path / "certificate.json").write_text(json.dumps(told), encoding="utf-8")
    (tmp_path / "key.txt").write_text(await market.key(), encoding="utf-8")
    asked = ["certificate", str(tmp_path / "certificate.json"), "--key", str(tmp_path / "key.txt")]
    assert tool().main(asked) == exits


async def test_the_market_tells_what_of_a_document_holds_as_the_offline_tool_does(market: Market) -> None:
    trades = [await trading.trade(market.database, market.deal, units) for units in (1, 2)]
    await market.seal()
    told, other = [await market.certificate(trade.id) for trade in trades]
    key, visitor = await market.key(), client_of(market.app, None, NOON)
    changed = {"trade": told["trade"] | {"amount_fen": told["trade"]["amount_fen"] + 1}}
    forgeries: list[dict[str, Any]] = [
        {}, changed, {"number": other["number"]}, {"entry_digest": other["entry_digest"]}, {"entry_id": None},
        {"proof": other["proof"]}, {"proof": told["proof"] | {"index": told["proof"]["index"] ^ 1}}, {"note": other["note"]},
        {"note": told["note"].replace('"quantity":1', '"quantity":2')}, {"note": None}, {"proof": None}, {"proof": []},
    ]  # fmt: skip
    for forged in forgeries:
        document = told | forged
        answer = await visitor.post("/evidence/verify", json={"document": json.dumps(document)})
        try:
            holds = tool().check_certificate(document, key)
        except (TypeError, KeyError):
            holds = False
        assert (answer.status_code == 200 and answer.json()["holds"]) == holds, forged
    verdict = (await visitor.post("/evidence/verify", json={"document": json.dumps(told | changed)})).json()
    [wrong] = [check for check in verdict["checks"] if not check["holds"]]
    assert wrong["what"] == "says_what_is_signed"
    assert wrong["found"].startswith("trade.amount_fen: ")
    await visitor.aclose()


async def test_proofs_and_notes_are_verified_and_anything_else_is_no_document(market: Market) -> None:
    visitor = client_of(market.app, None, NOON)
    for _ in range(3):
        await trading.trade(market.database, market.deal)
        await market.seal()
    checkpoints = (await visitor.get("/evidence/checkpoints")).json()["items"]
    sizes = [one["size"] for one in checkpoints]

    async def verdict(document: str) -> Any:
        return (await visitor.post("/evidence/verify", json={"document": document})).json()

    grown = (await visitor.get("/evidence/consistency", params={"from": sizes[-1], "to": sizes[0]})).json()
    assert (await verdict(json.dumps(grown)))["holds"]
    assert not (await verdict(json.dumps(grown | {"path": grown["path"][::-1][1:]})))["holds"]
    assert (await verdict(checkpoints[0]["note"]))["holds"]
    assert not (await verdict(checkpoints[0]["note"].replace(f"{sizes[0]}", f"{sizes[0] + 1}")))["holds"]
    for nothing in ("{}", "[]", "hello", "{", '{"path": 7}', '{"note": 1, "trade": 2}'):
        assert (await verdict(nothing))["code"] == "evidence.document-unknown"
    await visitor.aclose()
