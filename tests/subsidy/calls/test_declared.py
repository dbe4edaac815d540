"""What an application declares, over HTTP: sent with it, corrected while it is returned, and refused where it cannot be."""

from typing import Any

import asyncpg
import pytest

from datamarket.auth.terms import Role
from datamarket.foundation.waiting.constraints import constraint_of
from tests.subsidy.calls.test_api import Desk, desk_on
from tests.subsidy.cases.test_api import refused
from tests.subsidy.conftest import Market
from tests.world.declared import SELLER
from tests.world.participants import acting_for
from tests.world.people import actor


async def entry(desk: Desk, fen: int = 100, **more: Any) -> dict[str, Any]:
    told = {
        "number": "24372000000012345678",
        "seller_uscc": SELLER,
        "amount_fen": fen,
        "issued_on": "2024-03-01",
        "purpose": "数据采购",
        "paper_id": (await desk.sent())["paper_id"],
    }
    return told | more


async def submit(desk: Desk, path: str, *invoices: Any, contracts: Any = (), fen: int = 100) -> Any:
    declaration = {"investment_fen": fen, "invoices": list(invoices), "contracts": list(contracts)}
    papers = [await desk.sent()]
    return await desk.moved(acting_for(desk.owner), path, "submit", papers=papers, declaration=declaration)


async def test_what_is_declared_is_shown_and_corrected_only_while_it_is_returned(market: Market) -> None:
    desk = await desk_on(market, district_step=False)
    path, officer = await desk.begun(), actor(Role.AUTHORITY)
    bought = market.agreements[3].contract
    theirs = await entry(desk, contract_id=str(bought.id), deliveries=3)
    foreign = await submit(desk, path, contracts=[theirs])
    assert refused(foreign) == (404, "application.contract-not-yours")
    deal = await entry(desk, 90, number="海数〔2024〕7号", deliveries=3)
    first = await submit(desk, path, await entry(desk, 60), contracts=[deal])
    assert (first.json()["declared_fen"], first.json()["submission"]) == (100, 1)
    items = (await desk.mine.get(f"{path}/declared-items")).json()["items"]
    assert [(item["kind_zh"], item["amount_fen"], item["deliveries"]) for item in items] == [
        ("发票", 60, None),
        ("项目合同", 90, 3),
    ]
    assert (await desk.as_(acting_for(market.sellers[4])).get(f"{path}/declared-items")).status_code == 404
    closed = await submit(desk, path, await entry(desk, 50))
    assert refused(closed) == (409, "state.transition-not-allowed")
    await desk.moved(officer, path, "return", reason="发票金额有误")
    mended = await submit(desk, path, await entry(desk, 50), fen=50)
    assert (mended.json()["declared_fen"], mended.json()["submission"]) == (50, 2)
    now = (await desk.as_(officer).get(f"{path}/declared-items")).json()["items"]
    assert [(item["amount_fen"], item["submission"]) for item in now] == [(50, 2)]
    await desk.moved(officer, path, "return", reason="报告缺页")
    again = await desk.moved(acting_for(desk.owner), path, "submit", papers=[await desk.sent()])
    assert (again.json()["declared_fen"], again.json()["submission"]) == (50, 2)


async def test_a_declaration_that_cannot_be_is_refused_by_name_and_nothing_is_kept(market: Market) -> None:
    desk = await desk_on(market, district_step=False)
    path = await desk.begun()
    one = await entry(desk)
    theirs = (await desk.sent(acting_for(market.sellers[4])))["paper_id"]
    for expected, invoices in {
        (422, "application.declared-twice"): [one, one | {"amount_fen": 1}],
        (422, "application.declared-too-many"): [one] * 201,
        (422, "application.declared-sum-too-large"): [one | {"amount_fen": 10**14}] * 2,
        (422, "application.invoice-number-wrong"): [one | {"number": "12345678"}],
        (422, "participant.uscc-check-digit"): [one | {"seller_uscc": SELLER[:-1] + "0"}],
        (404, "not-found"): [one | {"paper_id": theirs}],
    }.items():
        assert refused(await submit(desk, path, *invoices)) == expected
    coded = one | {"number": "12345678", "invoice_code": "037002300111"}
    kept = (await desk.mine.get(path)).json()
    assert (kept["state"], kept["declared_fen"], kept["submission"]) == ("draft", None, 0)
    assert (await submit(desk, path, coded)).status_code == 200


async def test_what_was_declared_is_written_once_for_the_owner_too(market: Market) -> None:
    desk = await desk_on(market, district_step=False)
    await submit(desk, await desk.begun(), await entry(desk))
    link = await asyncpg.connect(market.database.url)
    try:
        for change, name in (
            ("amount_fen = 0", "subsidy_declared_item_amount_check"),
            ("kind = 'word'", "subsidy_declared_item_kind_check"),
            ("id = gen_random_uuid()", "subsidy_declared_item_key"),
        ):
            column = change.partition(" = ")
            with pytest.raises(asyncpg.IntegrityConstraintViolationError) as caught:
                await link.execute(
                    "INSERT INTO subsidy_declared_item SELECT (jsonb_populate_record(i, jsonb_build_object("  # noqa: S608
                    f"'id', gen_random_uuid(), '{column[0]}', {column[2]}))).* FROM subsidy_declared_item AS i"
                )
            assert constraint_of(caught.value, {name}) == name
        for attack in ("UPDATE subsidy_declared_item SET amount_fen = 1", "TRUNCATE subsidy_declared_item"):
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await link.execute(attack)
    finally:
        await link.close()
