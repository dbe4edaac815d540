"""Contracts of every kind over HTTP: requested, offered otherwise, and what stays after the signature."""

from datetime import timedelta
from typing import Any

import pytest

from datamarket.contracts.kinds.terms import ContractKind
from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world import catalogue, trading
from tests.world.clauses import ANNEX
from tests.world.participants import acting_for, admitted
from tests.world.people import NOON


async def wanted(database: Database, client_for: ClientFor) -> tuple[Any, dict[str, Any]]:
    """A buyer, and what it asks of a published listing."""
    async with database.transaction() as session:
        listed = await catalogue.published_listing(session, plan=catalogue.PER_CALL)
        buyer = client_for(acting_for(await admitted(session)))
    term = {"term_from": NOON.isoformat(), "term_to": (NOON + timedelta(days=365)).isoformat()}
    asked = {"listing_id": str(listed.listing.id), "purposes": ["research"], "use_class": "industry"}
    return buyer, term | asked


@pytest.mark.parametrize("kind", ContractKind)
async def test_a_contract_of_each_kind_is_requested_with_its_clauses(
    database: Database, client_for: ClientFor, kind: ContractKind
) -> None:
    buyer, asked = await wanted(database, client_for)
    made = await buyer.post("/contracts", json=asked | {"kind": kind, "annex": ANNEX[kind]})
    assert made.status_code == 201, made.text
    contract = made.json()
    assert (contract["kind"], contract["kind_zh"], contract["annex"]) == (kind, kind.zh, ANNEX[kind])
    [version] = (await buyer.get(f"/contracts/{contract['id']}/offers")).json()["items"]
    assert (version["kind"], version["provider_digest"]) == (kind, None)


async def test_what_a_kind_needs_or_contradicts_is_refused_where_it_stands(
    database: Database, client_for: ClientFor
) -> None:
    buyer, asked = await wanted(database, client_for)
    assert (await buyer.post("/contracts", json=asked)).json()["kind"] == "provision"
    joint = ANNEX[ContractKind.JOINT_DEVELOPMENT]
    for kind, annex, code, pointer in (
        ("processing", {}, "clause-missing", "processing"),
        ("provision", joint, "clause-foreign", "joint_development"),
        ("joint_development", joint | {"tax_included": False}, "clauses-contradict", "tax_included"),
    ):
        refused = await buyer.post("/contracts", json=asked | {"kind": kind, "annex": annex})
        [fault] = refused.json()["errors"]
        told = (refused.status_code, refused.json()["code"], fault["pointer"])
        assert told == (422, f"contract.{code}", f"/body/annex/{pointer}")
    beyond = await buyer.post("/contracts", json=asked | {"annex": {"tax_bps": 10_001}})
    assert (beyond.status_code, beyond.json()["code"]) == (422, "request.invalid")


async def test_kind_and_clauses_change_by_an_offer_with_their_differences_in_words(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.requested_contract(database)
    path, provider = f"/contracts/{deal.contract.id}/offers", client_for(deal.provider_account)
    bare = await provider.post(path, json={"kind": "intermediary"})
    assert bare.json()["code"] == "contract.clause-missing"
    annex = ANNEX[ContractKind.INTERMEDIARY] | {"quality": {"response_ms": 800}, "tax_bps": 600}
    offered = await provider.post(path, json={"kind": "intermediary", "annex": annex})
    assert offered.status_code == 201, offered.text
    said = {one["clause"]: one for one in offered.json()["differences"]}
    assert (said["kind"]["before_zh"], said["kind"]["after_en"]) == ("数据提供", "intermediary service")
    assert said["tax_bps"]["after_zh"] == "6%"
    assert said["quality"]["after_en"] == "response at most (ms) 800"
    assert said["intermediary"]["after_zh"] == "报酬占合同价款 1.5%；绕开中介仍应付酬 是"
    buyer = client_for(deal.buyer_account)
    back = await buyer.post(path, json={"kind": "provision", "annex": {}})
    assert (back.status_code, back.json()["kind"]) == (201, "provision")


async def test_after_the_signature_the_kind_stays_and_a_clause_changes_by_an_amendment(
    database: Database, client_for: ClientFor
) -> None:
    deal = await trading.active_contract(database)
    path, buyer = f"/contracts/{deal.contract.id}/offers", client_for(deal.buyer_account)
    kind = ContractKind.INTERMEDIARY
    fixed = await buyer.post(path, json={"kind": kind, "annex": ANNEX[kind]})
    assert (fixed.status_code, fixed.json()["code"]) == (409, "contract.kind-fixed")
    foreign = await buyer.post(path, json={"annex": ANNEX[kind]})
    assert foreign.json()["code"] == "contract.clause-foreign"
    cured = await buyer.post(path, json={"annex": {"cure_days": 5}})
    [difference] = cured.json()["differences"]
    assert (difference["clause_zh"], difference["after_zh"]) == ("补正期（天）", "5")
