"""Reading and signing the text: whose digest is kept where, and what a verifier without the market finds."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from datamarket.contracts.kinds.terms import ContractKind
from datamarket.evidence.log.sealing import await_watermark
from datamarket.foundation.db import Database
from datamarket.server.app import create_app
from tests.conftest import Client, ClientFor, client_of
from tests.world import trading
from tests.world.clauses import ANNEX
from tests.world.participants import acting_for, admitted
from tests.world.people import AUDITOR, AUTHORITY, NOON, moment
from tests.world.sealing import settings_in, tool
from tests.world.trading import Agreement


def paths_of(deal: Agreement) -> tuple[str, str, str]:
    path = f"/contracts/{deal.contract.id}"
    return path, f"{path}/text", f"{path}/signatures"


async def test_both_sides_and_the_authority_read_the_same_bytes_and_nobody_else_any(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.requested_contract(database)
    _, text, _ = paths_of(deal)
    answers = [
        await client_for(by).get(text, headers={"Accept-Encoding": "identity"})  # packed, its tag is weak
        for by in (deal.buyer_account, deal.provider_account, AUTHORITY)
    ]
    assert len({answer.content for answer in answers}) == 1
    found = answers[0]
    assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert found.headers["ETag"] == f'"{sha256(found.content).hexdigest()}"'
    assert found.text.startswith("数据提供合同\n")
    assert f"\n合同编号：{deal.contract.id}\n" in found.text
    assert f"「{deal.buyer.name_zh}」" in found.text
    known = {"If-None-Match": found.headers["ETag"]}
    assert (await client_for(deal.buyer_account).get(text, headers=known)).status_code == 304
    async with database.transaction() as session:
        stranger = client_for(acting_for(await admitted(session)))
    for path in paths_of(deal)[1:]:
        assert (await stranger.get(path)).status_code == 404
    assert (await client_for(deal.buyer_account).get(f"{text}?version=2")).status_code == 404


async def test_each_signature_keeps_the_digest_of_the_text_and_tells_it(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.requested_contract(database)
    path, text, signatures = paths_of(deal)
    buyer, provider = client_for(deal.buyer_account), client_for(deal.provider_account)
    await provider.post(f"{path}/offers", json={"price_fen": 2_500})
    for by, event in ((buyer, "accept"), (provider, "agree"), (provider, "sign")):
        await by.post(f"{path}/events", json={"event": event})
    digest = sha256((await buyer.get(text)).content).hexdigest()
    half = (await buyer.get(f"{path}/offers")).json()["items"][-1]
    assert (half["provider_digest"], half["buyer_digest"]) == (digest, None)
    await buyer.post(f"{path}/events", json={"event": "sign"})
    [version] = (await buyer.get(f"{path}/versions")).json()["items"]
    assert (version["number"], version["provider_digest"], version["buyer_digest"]) == (2, digest, digest)
    told = (await buyer.get(signatures)).json()["items"]
    assert sorted((one["party"], one["number"], one["digest"]) for one in told) == [
        ("buyer", 2, digest),
        ("provider", 2, digest),
    ]
    events = (await client_for(AUDITOR).get(f"/audit-events?subject={deal.contract.id}")).json()["items"]
    signed = {one["id"]: one["facts"] for one in events if one["action"] == "contracts.sign"}
    assert {one["event"]["id"]: json.loads(one["event"]["facts"]) for one in told} == signed


async def test_an_amendment_is_signed_over_the_amended_text_by_both(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database)
    path, text, signatures = paths_of(deal)
    buyer, provider = client_for(deal.buyer_account), client_for(deal.provider_account)
    first = await buyer.get(text)
    offered = (await provider.post(f"{path}/offers", json={"annex": {"cure_days": 5}})).json()
    amended = await buyer.get(f"{text}?version=2")
    digest = sha256(amended.content).hexdigest()
    assert "\n补正期（天）：5\n" in amended.text
    assert (offered["provider_digest"], offered["buyer_digest"]) == (digest, None)
    assert (await buyer.get(text)).content == first.content
    signed = (await buyer.post(f"{path}/offers/2/events", json={"event": "sign"})).json()
    assert (signed["provider_digest"], signed["buyer_digest"]) == (digest, digest)
    assert (await buyer.get(text)).content == amended.content
    assert (await buyer.get(f"{text}?version=1")).content == first.content
    page = (await buyer.get(f"{signatures}?limit=3")).json()
    rest = (await buyer.get(f"{signatures}?limit=3&after={page['next']}")).json()
    kept = [(one["party"], one["number"]) for one in [*page["items"], *rest["items"]]]
    assert sorted(kept) == [("buyer", 1), ("buyer", 2), ("provider", 1), ("provider", 2)]


async def test_a_negotiated_offer_is_not_a_signature(database: Database, client_for: ClientFor) -> None:
    deal = await trading.requested_contract(database)
    path, _, signatures = paths_of(deal)
    offered = await client_for(deal.provider_account).post(f"{path}/offers", json={"price_fen": 2_500})
    assert (offered.json()["provider_digest"], offered.json()["buyer_digest"]) == (None, None)
    assert (await client_for(deal.buyer_account).get(signatures)).json()["items"] == []


async def test_the_two_cannot_be_kept_as_signed_upon_different_texts(
    database: Database, superuser: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    deal = await trading.active_contract(database)
    changed = "UPDATE contract_offer SET buyer_digest = 'another' WHERE contract_id = $1"
    with pytest.raises(asyncpg.CheckViolationError, match="contract_offer_digests_check"):
        await superuser.execute(changed, deal.contract.id)


async def signed_and_sealed(database: Database, client: Client, deal: Agreement) -> tuple[bytes, Any, Any]:
    """The text of an amendment that both signed, the buyer's signature of it, and its proof."""
    _, text, signatures = paths_of(deal)
    told = (await client.get(signatures)).json()["items"][-1]
    proof = (await client.get(f"/evidence/proofs/{told['event']['id']}")).json()
    return (await client.get(text)).content, told, proof


async def test_a_text_is_verified_without_the_market_and_any_change_is_seen(
    fresh_database: Database, tmp_path: Path
) -> None:
    app = create_app(settings_in(tmp_path), fresh_database, read_clock=lambda: NOON)
    deals = [await trading.active_contract(fresh_database, funds=None) for _ in range(2)]
    await await_watermark(fresh_database)
    await app.state.sealer.seal(fresh_database, now=moment())
    client = client_of(app, AUTHORITY, NOON)
    (text, signature, proof), other = [await signed_and_sealed(fresh_database, client, one) for one in deals]
    key = (await client.get("/evidence/key")).text
    await client.aclose()
    check = tool().check_text
    assert check(text, signature, proof, key)
    assert not check(text.replace("30.00 元".encode(), "30.01 元".encode()), signature, proof, key)
    assert not check(text, signature, other[2], key)
    assert not check(text, *other[1:], key)
    forged = sha256(b"another").hexdigest()
    facts = signature["event"]["facts"].replace(signature["digest"], forged)
    assert not check(b"another", signature | {"event": signature["event"] | {"facts": facts}}, proof, key)
    assert not check(text, signature, proof | {"index": proof["index"] ^ 1}, key)
    files = {"text": text, "signature": signature, "proof": proof, "key": key.encode()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    asked = ["text", *(str(tmp_path / "text"),)]
    for name in ("signature", "proof", "key"):
        asked += [f"--{name}", str(tmp_path / name)]
    assert [tool().main(asked), tool().main(asked[:-4])] == [0, 2]
    (tmp_path / "text").write_bytes(text + b"\n")
    assert tool().main(asked) == 1


async def test_a_contract_of_another_kind_is_signed_upon_its_own_text(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.requested_contract(database)
    path, text, _ = paths_of(deal)
    buyer, provider = client_for(deal.buyer_account), client_for(deal.provider_account)
    kind = ContractKind.JOINT_DEVELOPMENT
    await provider.post(f"{path}/offers", json={"kind": kind, "annex": ANNEX[kind]})
    for by, event in ((buyer, "accept"), (provider, "agree"), (provider, "sign"), (buyer, "sign")):
        assert (await by.post(f"{path}/events", json={"event": event})).status_code == 200
    found = (await buyer.get(text)).text
    assert found.startswith("数据融合开发合同\n")
    assert "\n收益分配·供方所得：60%\n收益分配·需方所得：40%\n" in found
