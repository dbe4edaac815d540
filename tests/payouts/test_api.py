"""Payouts over HTTP: proposed, approved by another, sent, answered by the bank, reconciled to the fen."""

from collections import Counter
from fractions import Fraction
from typing import Any

from datamarket.auth.terms import Role
from datamarket.payouts import files
from datamarket.payouts.bank import simulated as bank
from tests.payouts.conftest import Desk, answer, balances, mixed_run, move, sent_batch
from tests.world import payouts, trading
from tests.world.participants import acting_for, suspend
from tests.world.payouts import TODAY, Officers, bank_rules
from tests.world.people import AUDITOR, actor


async def test_income_leaves_through_the_bank_and_both_sides_agree_to_the_fen(desk: Desk) -> None:
    """Trades, batch, approval, file, a bank with refusals and delay, advice day by day, statements."""
    earned = await payouts.earned(desk.database)
    officers = Officers()
    batch = await sent_batch(desk, officers)
    assert (batch["state"], batch["state_zh"]) == ("sent", "已送银行")
    assert batch["payouts"] == 7  # two providers and venues, an operator, treasury, tax
    finance = desk.client(officers.maker)
    content = (await finance.get(f"/payouts/batches/{batch['id']}/file")).content
    provider = earned.agreements[1].provider
    answered = bank.run_bank(
        content, bank_rules(days=(0, 2), always={provider.uscc: "AC04"}), 7, receipts=earned.receipts
    )
    waiting = answer(await finance.get("/ledger/clearing"))
    assert sum(row["balance_fen"] for row in waiting["items"]) == batch["total_fen"]
    for days, statement in enumerate(answered.statements):
        later = desk.client(officers.maker, days=days)
        advice = files.write_advice(line for line in answered.advice if line.day == statement.day)
        answer(await later.post(f"/payouts/batches/{batch['id']}/advice", json={"advice": advice}))
        body = {"statement": files.write_statement(statement)}
        answer(await later.post("/bank/statements", json=body), 201)
        side = answer(await later.get("/bank/reconciliation", params={"day": str(statement.day)}))
        assert (side["difference_fen"], side["unexplained_fen"]) == (0, 0)
        assert side["at_bank_only"]["count"] == side["in_books_only"]["count"] == 0
    settled = answer(await finance.get(f"/payouts/batches/{batch['id']}"))
    assert settled["state"] == "settled"
    assert settled["executed_fen"] + settled["refused_fen"] == settled["total_fen"]
    assert answer(await finance.get("/ledger/clearing"))["items"] == []
    own = answer(await desk.client(acting_for(provider, Role.PROVIDER)).get("/payouts"))
    [refused] = own["items"]
    assert (refused["state"], refused["refusal_code"]) == ("refused", "AC04")
    assert refused["amount_fen"] in await balances(finance, "provider_income")  # it is back
    audited = answer(
        await desk.client(AUDITOR).get("/audit-events", params={"subject": batch["id"], "limit": 50})
    )
    done = Counter(event["action"] for event in audited["items"])
    once = dict.fromkeys(("payouts.propose", "payouts.approve", "payouts.send"), 1)
    assert done == once | {"payouts.advice": len(answered.statements)}


async def test_the_same_advice_again_changes_nothing_and_a_contradicting_one_is_refused(desk: Desk) -> None:
    await payouts.earned(desk.database)
    officers = Officers()
    batch = await sent_batch(desk, officers)
    finance = desk.client(officers.maker)
    path = f"/payouts/batches/{batch['id']}/advice"
    content = (await finance.get(f"/payouts/batches/{batch['id']}/file")).content
    answered = mixed_run(content).advice
    some = files.write_advice(answered[:3])
    first = answer(await finance.post(path, json={"advice": some}))
    assert first["executed"] + first["refused"] == 3
    assert first["batch"]["state"] == "sent"
    again = answer(await finance.post(path, json={"advice": some}))
    assert (again["executed"], again["refused"], again["unchanged"]) == (0, 0, 3)
    assert again["batch"]["version"] == first["batch"]["version"]
    turned = {"executed": ("refused", "AC04", "closed"), "refused": ("executed", "", "")}
    for line in answered[:3]:
        result, code, reason = turned[line.result]
        contrary = f"reference,result,day,code,reason\n{line.reference},{result},{line.day},{code},{reason}\n"
        refused = await finance.post(path, json={"advice": contrary})
        assert (refused.status_code, refused.json()["code"]) == (409, "payout.advice-contradicts")
    whole = answer(await finance.post(path, json={"advice": files.write_advice(answered)}))
    assert whole["unchanged"] == 3
    assert whole["batch"]["state"] == "settled"
    after = answer(await finance.post(path, json={"advice": files.write_advice(answered)}))
    assert (after["unchanged"], after["batch"]["version"]) == (len(answered), whole["batch"]["version"])


async def test_each_faulty_advice_is_refused_as_a_whole(desk: Desk) -> None:
    await payouts.earned(desk.database)
    officers = Officers()
    batch = await sent_batch(desk, officers)
    finance = desk.client(officers.maker)
    row = answer(await finance.get("/payouts", params={"batch": batch["id"]}))["items"][0]
    of_account = answer(await finance.get("/payouts", params={"account": row["account_id"]}))["items"]
    assert {one["account_id"] for one in of_account} == {row["account_id"]}
    good = f"{row['bank_reference']},executed,{TODAY},,"
    for lines, code in (
        ((good, f"PO{'0' * 32},executed,{TODAY},,"), "payout.advice-unknown"),
        (
            (good, good.replace("executed", "refused").replace(",,", ",AC04,closed")),
            "payout.advice-contradicts",
        ),
        ((good.replace(str(TODAY), "2024-06-04"),), "payout.advice-untimely"),
        ((good.replace(str(TODAY), "2024-06-02"),), "payout.advice-untimely"),
        ((good.replace("executed", "refused"),), "payout.file-invalid"),
        ((good.replace("executed", "lost"),), "payout.file-invalid"),
        ((good + ",",), "payout.file-invalid"),
    ):
        advice = "\n".join(("reference,result,day,code,reason", *lines)) + "\n"
        refused = await finance.post(f"/payouts/batches/{batch['id']}/advice", json={"advice": advice})
        assert refused.json()["code"] == code, lines
    unchanged = answer(await finance.get(f"/payouts/batches/{batch['id']}"))
    assert unchanged["executed_fen"] == unchanged["refused_fen"] == 0


async def test_who_made_a_batch_does_not_approve_it_and_nothing_leaves_unapproved(desk: Desk) -> None:
    await payouts.earned(desk.database)
    officers = Officers()
    maker, approver = desk.client(officers.maker), desk.client(officers.approver)
    batch = answer(await maker.post("/payouts/batches", json={}), 201)
    path = f"/payouts/batches/{batch['id']}"
    for client, body, code in (
        (maker, {"event": "approve"}, "payout.duties-not-separate"),
        (approver, {"event": "send"}, "state.transition-not-allowed"),
        (approver, {"event": "settle"}, "state.transition-not-allowed"),
    ):
        refused = await client.post(f"{path}/events", json=body)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    assert (await maker.get(f"{path}/file")).json()["code"] == "payout.file-not-ready"
    assert answer(await maker.get(f"{path}/allowed-events"))["events"] == ["cancel"]
    assert answer(await approver.get(f"{path}/allowed-events"))["events"] == ["approve", "cancel"]
    await move(approver, batch["id"], "approve")
    first, second = [(await maker.get(f"{path}/file")).content for _ in range(2)]
    assert first == second
    await move(approver, batch["id"], "cancel")
    assert await balances(maker, "payout_in_transit") == []
    again = answer(await maker.post("/payouts/batches", json={}), 201)
    assert again["total_fen"] == batch["total_fen"]


async def test_a_balance_that_shrank_since_the_proposal_stops_the_batch(desk: Desk) -> None:
    """A refund takes income that was proposed: nothing leaves, and a new proposal is right."""
    earned = await payouts.earned(desk.database)
    officers = Officers()
    maker, approver = desk.client(officers.maker), desk.client(officers.approver)
    batch = answer(await maker.post("/payouts/batches", json={}), 201)
    await move(approver, batch["id"], "approve")
    deal = earned.agreements[0]
    trade = await trading.trade(desk.database, deal)
    await trading.refund(desk.database, deal, trade.id)
    await trading.refund(desk.database, deal, (await a_trade_of(desk, deal)))
    refused = await maker.post(f"/payouts/batches/{batch['id']}/events", json={"event": "send"})
    assert (refused.status_code, refused.json()["code"]) == (409, "payout.balance-exceeded")
    assert await balances(maker, "payout_in_transit") == []
    await move(maker, batch["id"], "cancel")
    smaller = answer(await maker.post("/payouts/batches", json={}), 201)
    assert smaller["total_fen"] == batch["total_fen"] - 300_000


async def a_trade_of(desk: Desk, deal: trading.Agreement) -> Any:
    async with desk.database.connection() as connection:
        return await connection.fetchval(
            "SELECT id FROM trade WHERE contract_id = $1 AND state = 'settled' LIMIT 1", deal.contract.id
        )


async def test_a_proposal_takes_what_was_asked_for(desk: Desk) -> None:
    """By kind, by day, above a minimum; nobody twice, no suspended payee."""
    earned = await payouts.earned(desk.database)
    maker = desk.client(Officers().maker, days=1)
    nothing = await maker.post("/payouts/batches", json={"up_to_day": "2024-06-02"})
    assert nothing.json()["code"] == "payout.nothing-to-pay"
    async with desk.database.transaction() as session:
        await suspend(session, earned.agreements[1].provider.id)
    body = {"kinds": ["provider_income"], "up_to_day": str(TODAY), "min_amount_fen": 100}
    batch = answer(await maker.post("/payouts/batches", json=body), 201)
    listed = answer(await maker.get("/payouts", params={"batch": batch["id"]}))
    assert [row["payee_id"] for row in listed["items"]] == [str(earned.agreements[0].provider.id)]
    again = await maker.post("/payouts/batches", json=body)
    assert again.json()["code"] == "payout.nothing-to-pay"
    rest = answer(await maker.post("/payouts/batches", json={}), 201)
    assert rest["payouts"] == 5
    assert len(answer(await maker.get("/payouts/batches"))["items"]) == 2


async def test_a_payee_sees_its_own_payouts_and_no_batch(desk: Desk) -> None:
    earned = await payouts.earned(desk.database)
    batch = await sent_batch(desk, Officers())
    payee = earned.agreements[0].provider
    own = desk.client(acting_for(payee, Role.PROVIDER))
    items = answer(await own.get("/payouts"))["items"]
    assert {row["payee_id"] for row in items} == {str(payee.id)}
    assert (await own.get(f"/payouts/{items[0]['id']}")).status_code == 200
    assert (await own.get(f"/payouts/batches/{batch['id']}")).status_code == 404
    assert answer(await own.get("/payouts/batches"))["items"] == []
    other = desk.client(actor(Role.BUYER, organisation=earned.agreements[0].buyer.id))
    assert (await other.get(f"/payouts/{items[0]['id']}")).status_code == 404
    for path in (
        "/bank/lines",
        "/bank/statements",
        "/ledger/clearing",
        "/bank/reconciliation?day=2024-06-03",
    ):
        assert (await own.get(path)).status_code == 403


async def test_money_in_transit_is_as_old_as_the_first_day_it_did_not_come_to_rest(desk: Desk) -> None:
    """A payout answered on its day leaves no age; one that waits ages by the day, and starts anew later."""
    earned = await payouts.earned(desk.database)
    officers = Officers()
    finance = desk.client(officers.maker)
    batch = await sent_batch(desk, officers)
    content = (await finance.get(f"/payouts/batches/{batch['id']}/file")).content
    first, *rest = bank.run_bank(content, bank_rules(refuse=Fraction(1)), 7).advice
    path = f"/payouts/batches/{batch['id']}/advice"
    answer(await finance.post(path, json={"advice": files.write_advice(rest)}))
    left = answer(await desk.client(AUDITOR, days=9).get("/ledger/clearing"))["items"]
    [row] = [row for row in left if row["kind"] == "payout_in_transit"]
    assert (row["since"], row["days"], row["label_zh"]) == (str(TODAY), 9, "在途付款")
    late = desk.client(officers.maker, days=9)
    answer(await late.post(path, json={"advice": files.write_advice([first])}))
    assert answer(await late.get("/ledger/clearing"))["items"] == []
    second = answer(await late.post("/payouts/batches", json={}), 201)
    assert second["total_fen"] == batch["total_fen"]
    await move(desk.client(officers.approver, days=9), second["id"], "approve")
    await move(late, second["id"], "send")
    after = desk.client(AUDITOR, days=10)
    page = answer(await after.get("/ledger/clearing", params={"limit": 1}))
    rows = page["items"]
    while page["next"]:
        page = answer(await after.get("/ledger/clearing", params={"limit": 1, "after": page["next"]}))
        rows += page["items"]
    assert {(row["since"], row["days"]) for row in rows} == {("2024-06-12", 1)}
    assert sum(row["balance_fen"] for row in rows) == second["total_fen"]
    assert {row["owner_id"] for row in rows} >= {None, str(earned.agreements[0].provider.id)}
