"""What is written for the bank is read back whole, the same each time; what was changed is refused."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamarket.foundation.inputs.texts import unseen_in
from datamarket.foundation.money import Fen
from datamarket.payouts import files
from datamarket.payouts.bank import simulated as bank
from datamarket.payouts.bank.rules import check_adds_up
from datamarket.payouts.bank.simulated import BankRules
from datamarket.payouts.files import ControlDiffers, FileInvalid
from datamarket.payouts.terms import (
    AdviceLine,
    BankAnswer,
    BankFile,
    PaymentOrder,
    StatementFile,
    StatementLine,
)

DAY = date(2024, 6, 3)
FORMULAS = ("=", "+", "-", "@", "\t")
words = st.text(st.characters(exclude_categories=["C"]), max_size=60).filter(lambda text: not unseen_in(text))
dangerous = st.builds("{}{}".format, st.sampled_from([*FORMULAS, "'", "'="]), words)
texts = words | dangerous
amounts = st.integers(1, 10**14).map(Fen)
references = st.uuids().map(lambda name: f"PO{name.hex}")
orders = st.builds(PaymentOrder, references, texts, texts, amounts, texts)
payments = st.builds(
    BankFile,
    st.just("PB20240603-1A2B3C4D"),
    st.just(DAY),
    st.lists(orders, max_size=8, unique_by=lambda order: order.reference).map(tuple),
)
days = st.dates(date(2000, 1, 1), date(2099, 12, 31))
executed = st.builds(AdviceLine, references, st.just(BankAnswer.EXECUTED), days)
refused = st.builds(
    AdviceLine,
    references,
    st.just(BankAnswer.REFUSED),
    days,
    st.just("AC04"),
    texts.map(str.strip).filter(bool),
)
movements = st.builds(StatementLine, days, st.integers(-(10**12), 10**12).filter(bool).map(Fen), texts, texts)
rules = st.builds(
    BankRules,
    st.fractions(0, 1),
    st.integers(0, 2),
    st.integers(2, 5),
    st.just((("AC04", "closed"), ("BE01", "name"))),
    st.just({}),
)


@given(payments)
def test_a_payment_file_is_read_back_and_written_alike(file: BankFile) -> None:
    content = files.write_payments(file)
    assert files.read_payments(content) == file
    assert files.write_payments(file) == content


@given(payments, st.data())
def test_a_payment_file_of_which_any_byte_was_changed_is_refused(file: BankFile, data: st.DataObject) -> None:
    content = bytearray(files.write_payments(file))
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises((ControlDiffers, FileInvalid)):
        files.read_payments(bytes(content))


@given(payments.filter(lambda file: len(file.orders) > 1), st.data())
def test_a_payment_file_of_which_a_line_is_missing_or_doubled_is_refused(
    file: BankFile, data: st.DataObject
) -> None:
    lines = files.write_payments(file).splitlines(keepends=True)
    position = data.draw(st.integers(0, len(lines) - 1))
    for times in (0, 2):
        changed = b"".join([*lines[:position], *[lines[position]] * times, *lines[position + 1 :]])
        with pytest.raises((ControlDiffers, FileInvalid)):
            files.read_payments(changed)


@given(payments.filter(lambda file: bool(file.orders)))
def test_a_larger_amount_under_the_old_control_value_is_refused(file: BankFile) -> None:
    """Even with the sum set right: only the control value tells."""
    first = file.orders[0]
    raised = replace(file, orders=(replace(first, amount_fen=Fen(first.amount_fen + 100)), *file.orders[1:]))
    control = files.write_payments(file).splitlines()[-1].split(b",")[2]
    forged = files.write_payments(raised)
    tail = forged.splitlines()[-1]
    with pytest.raises(ControlDiffers):
        files.read_payments(forged.replace(tail.split(b",")[2], control))


@given(texts)
def test_no_text_of_a_file_is_a_formula(text: str) -> None:
    order = PaymentOrder("PO1", text, text, Fen(1), text)
    row = next(files._rows(files.write_payments(BankFile("PB1", DAY, (order,))).decode(), files.PAYMENTS))
    _, cells = row
    for cell in cells:
        assert not cell.startswith(FORMULAS)


@given(st.lists(executed | refused, max_size=10))
def test_an_advice_is_read_back(lines: list[AdviceLine]) -> None:
    assert [line for _, line in files.read_advice(files.write_advice(lines))] == lines


@given(days, st.integers(-(10**12), 10**12).map(Fen), st.lists(movements, max_size=8))
def test_a_statement_is_read_back_and_adds_up(day: date, opening: Fen, lines: list[StatementLine]) -> None:
    closing = Fen(opening + sum(line.amount_fen for line in lines))
    statement = StatementFile(day, opening, closing, tuple(lines))
    assert files.read_statement(files.write_statement(statement)) == statement
    check_adds_up(statement)


@given(payments, rules, st.integers(0, 9), st.integers(0, 10**9).map(Fen))
def test_the_bank_answers_every_payment_once_and_its_days_add_up(
    file: BankFile, chosen: BankRules, seed: int, opening: Fen
) -> None:
    content = files.write_payments(file)
    run = bank.run_bank(content, chosen, seed, opening_fen=opening)
    assert run == bank.run_bank(content, chosen, seed, opening_fen=opening)
    assert [line.reference for line in run.advice] == [order.reference for order in file.orders]
    assert all(0 <= (line.day - DAY).days <= chosen.delay_to for line in run.advice)
    paid = {line.reference for line in run.advice if line.result is BankAnswer.EXECUTED}
    assert run.statements[-1].closing_fen == opening - sum(
        order.amount_fen for order in file.orders if order.reference in paid
    )
    for statement, after in zip(run.statements, run.statements[1:], strict=False):
        assert (after.day, after.opening_fen) == (statement.day + timedelta(days=1), statement.closing_fen)
    for statement in run.statements:
        check_adds_up(statement)
    assert [line for lines in run.advice_by_day().values() for line in lines] == sorted(
        run.advice, key=lambda line: line.day
    )


@settings(max_examples=5)
@given(st.lists(references, min_size=400, max_size=400, unique=True))
def test_about_as_many_are_refused_as_the_share_says(named: list[str]) -> None:
    file = BankFile("PB1", DAY, tuple(PaymentOrder(name, "X", "x", Fen(1), "") for name in named))
    content = files.write_payments(file)
    for share, low, high in ((Fraction(0), 0, 0), (Fraction(1, 4), 50, 150), (Fraction(1), 400, 400)):
        run = bank.run_bank(content, BankRules(share, 0, 0, (("AC04", "closed"),)), 7)
        assert low <= sum(line.result is BankAnswer.REFUSED for line in run.advice) <= high


def test_the_shipped_rules_are_rules_and_a_payee_can_be_refused_always() -> None:
    assert bank.shipped_rules().refuse_share == Fraction(1, 20)
    order = PaymentOrder("PO1", "91370212QD0000001X", "甲", Fen(5), "收入")
    content = files.write_payments(BankFile("PB1", DAY, (order,)))
    always = BankRules(Fraction(0), 0, 0, (("AC04", "closed"), ("BE01", "name")), {order.payee_code: "BE01"})
    [line] = bank.run_bank(content, always, 1).advice
    assert (line.result, line.code, line.reason) == (BankAnswer.REFUSED, "BE01", "name")
    for broken in (b"{}", b"refuse_share: '2%'\ndelay_days: {from: 2, to: 1}\nreasons: []\n"):
        with pytest.raises(ValueError, match="rules of the bank"):
            bank.read_rules(broken)
