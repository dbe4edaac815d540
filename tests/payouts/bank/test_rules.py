"""The rules of the bank's statements without a database: sums, and one after the other."""

from datetime import date, timedelta

import pytest

from datamarket.foundation.money import Fen
from datamarket.payouts.bank import rules as bank_rules
from datamarket.payouts.terms import (
    StatementFile,
    StatementLine,
)

DAY = date(2024, 6, 3)
ONE_DAY = timedelta(days=1)


def statement(opening: int, closing: int, *moved: int, day: date = DAY) -> StatementFile:
    lines = tuple(StatementLine(day, Fen(amount), "", "") for amount in moved)
    return StatementFile(day, Fen(opening), Fen(closing), lines)


def test_opening_and_movements_make_the_closing_balance_to_the_fen() -> None:
    bank_rules.check_adds_up(statement(100, 100))
    bank_rules.check_adds_up(statement(-50, 149, 300, -101))
    for closing in (148, 150):
        with pytest.raises(bank_rules.StatementUnbalanced):
            bank_rules.check_adds_up(statement(-50, closing, 300, -101))


def test_a_statement_goes_on_where_the_one_before_ended() -> None:
    bank_rules.check_follows(statement(100, 100, day=DAY + ONE_DAY), DAY, 100)
    bank_rules.check_follows(statement(100, 100, day=DAY + 30 * ONE_DAY), DAY, 100)
    for opening in (99, 101):
        with pytest.raises(bank_rules.StatementGap):
            bank_rules.check_follows(statement(opening, opening, day=DAY + ONE_DAY), DAY, 100)
    for day in (DAY, DAY - ONE_DAY):
        with pytest.raises(bank_rules.StatementOutOfOrder):
            bank_rules.check_follows(statement(100, 100, day=day), DAY, 100)
