"""The bank over HTTP: statements, what only one side knows, and the simulated bank's files."""

from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from datamarket.commands import bank as bank_commands
from datamarket.foundation.money import Fen
from datamarket.payouts import files
from datamarket.payouts.terms import StatementFile, StatementLine
from tests.payouts.conftest import Desk, Json, answer, sent_batch
from tests.world import payouts
from tests.world.payouts import TODAY, Officers


async def test_what_only_one_side_knows_is_named_until_it_is_matched(desk: Desk) -> None:
    """A deposit under another reference, a fee that the books do not know, money that is on its way."""
    earned = await payouts.earned(desk.database)
    officers = Officers()
    finance = desk.client(officers.maker)
    known, misspelt = earned.receipts
    lines = (known, replace(misspelt, reference="illegible"), StatementLine(TODAY, Fen(-5_000), "", "fee"))
    moved = Fen(sum(line.amount_fen for line in lines))
    statement = StatementFile(TODAY, Fen(0), moved, lines)
    text = files.write_statement(statement)
    answer(await finance.post("/bank/statements", json={"statement": text}), 201)
    day = {"day": str(TODAY)}
    side = answer(await finance.get("/bank/reconciliation", params=day))
    assert (side["matched"], side["difference_fen"], side["unexplained_fen"]) == (1, -5_000, 0)
    assert side["at_bank_only"]["sum_fen"] == misspelt.amount_fen - 5_000
    [entry] = side["in_books_only"]["oldest"]
    found = answer(await finance.get("/bank/lines", params=day | {"match_state": "open"}))
    line, fee = found["items"]
    differs = await finance.post(
        f"/bank/lines/{fee['id']}/match", json={"entry_id": entry["entry_id"], "reason": "?"}
    )
    assert differs.json()["code"] == "bank.match-amount-differs"
    body = {"entry_id": entry["entry_id"], "reason": "银行摘要有误，金额与日期一致"}
    matched = answer(await finance.post(f"/bank/lines/{line['id']}/match", json=body))
    assert matched["match_state"] == "matched_by_hand"
    twice = await finance.post(f"/bank/lines/{line['id']}/match", json=body)
    assert twice.json()["code"] == "bank.line-matched-already"
    side = answer(await finance.get("/bank/reconciliation", params=day))
    assert (side["at_bank_only"]["sum_fen"], side["in_books_only"]["count"]) == (-5_000, 0)
    assert (side["difference_fen"], side["unexplained_fen"]) == (-5_000, 0)


async def test_statements_add_up_follow_each_other_and_come_once(desk: Desk) -> None:
    finance = desk.client(Officers().maker, days=5)

    def told(day: int, opening: str, amount: str, closing: str) -> Json:
        rows = (f"opening,2024-06-0{day},,{opening},", f"line,2024-06-0{day},x,{amount},=1+1",
                f"closing,2024-06-0{day},,{closing},")  # fmt: skip
        return {"statement": "\n".join(("record,value_on,reference,amount,text", *rows)) + "\n"}

    answer(await finance.post("/bank/statements", json=told(3, "7.00", "3.00", "10.00")), 201)
    for body, code in (
        (told(3, "7.00", "3.00", "10.00"), "bank.statement-imported"),
        (told(3, "7.00", "4.00", "11.00"), "bank.statement-out-of-order"),
        (told(4, "9.00", "1.00", "10.00"), "bank.statement-gap"),
        (told(4, "10.00", "1.00", "12.00"), "bank.statement-unbalanced"),
        (told(9, "10.00", "1.00", "11.00"), "bank.statement-untimely"),
        (told(4, "10.00", "0.00", "10.00"), "payout.file-invalid"),
        (told(4, "10.00", "1e3", "1010.00"), "payout.file-invalid"),
    ):
        assert (await finance.post("/bank/statements", json=body)).json()["code"] == code, body
    answer(await finance.post("/bank/statements", json=told(5, "10.00", "-1.00", "9.00")), 201)
    side = answer(await finance.get("/bank/reconciliation", params={"day": "2024-06-07"}))
    assert (side["opening_difference_fen"], side["bank_fen"], side["unexplained_fen"]) == (700, 900, 0)
    early = await finance.get("/bank/reconciliation", params={"day": "2024-06-02"})
    assert early.status_code == 404


async def test_the_command_answers_a_file_with_files_alone(desk: Desk, tmp_path: Path) -> None:
    await payouts.earned(desk.database)
    officers = Officers()
    batch = await sent_batch(desk, officers)
    finance = desk.client(officers.maker)
    (tmp_path / "batch.csv").write_bytes((await finance.get(f"/payouts/batches/{batch['id']}/file")).content)
    command = ["run", "--file", str(tmp_path / "batch.csv"), "--out", str(tmp_path / "out")]
    told = CliRunner().invoke(bank_commands.app, [*command, "--refuse-share", "0.5", "--delay-days", "0..1"])
    assert told.exit_code == 0, told.output
    later = desk.client(officers.maker, days=1)
    for file in sorted((tmp_path / "out").glob("advice-*.csv")):
        body = {"advice": file.read_text(encoding="utf-8")}
        settled = answer(await later.post(f"/payouts/batches/{batch['id']}/advice", json=body))
    assert settled["batch"]["state"] == "settled"
    for file in sorted((tmp_path / "out").glob("statement-*.csv")):
        body = {"statement": file.read_text(encoding="utf-8")}
        answer(await later.post("/bank/statements", json=body), 201)
    for wrong in (["--delay-days", "2..1"], ["--refuse-share", "half"]):
        assert CliRunner().invoke(bank_commands.app, [*command, *wrong]).exit_code == 2
    (tmp_path / "batch.csv").write_bytes(b"record\n")
    assert CliRunner().invoke(bank_commands.app, command).exit_code == 2
