"""A bank for trying out: a payment file in, advice and statements out. Pure: files and rules, nothing kept.

What happens to a payment follows from the seed and its reference alone, so the order of lines, other
payments and the number of runs change nothing. Weekends and holidays are days like others.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from importlib.resources import files as resources

from datamarket.foundation.documents.plain_yaml import NotPlainYaml, read_plain_yaml
from datamarket.foundation.money import Fen, parse_rate
from datamarket.payouts import files
from datamarket.payouts.terms import (
    AdviceLine,
    BankAnswer,
    BankFile,
    PaymentOrder,
    StatementFile,
    StatementLine,
)

NOTHING = Fen(0)
LONGEST_DELAY = 99
"""Days: there is a statement for each."""


@dataclass(frozen=True)
class BankRules:
    """Which payments are refused, and how many days an answer takes (both ends included)."""

    refuse_share: Fraction
    delay_from: int
    delay_to: int
    reasons: tuple[tuple[str, str], ...]
    always_refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BankRun:
    """All that the bank has to say about one file."""

    advice: tuple[AdviceLine, ...]
    statements: tuple[StatementFile, ...]

    def advice_by_day(self) -> dict[date, list[AdviceLine]]:
        """The answers as they come in, day after day."""
        days = sorted({line.day for line in self.advice})
        return {day: [line for line in self.advice if line.day == day] for day in days}


def read_rules(content: bytes) -> BankRules:
    """Rules as YAML; `always_refused` names payees by their code.

    Raises FileInvalid for what is no plain YAML, ValueError for rules that are none.
    """
    try:
        document = read_plain_yaml(content).value
        rules = BankRules(
            refuse_share=parse_rate(document["refuse_share"]),
            delay_from=document["delay_days"]["from"],
            delay_to=document["delay_days"]["to"],
            reasons=tuple((reason["code"], reason["text"]) for reason in document["reasons"]),
            always_refused=document.get("always_refused") or {},
        )
        codes = {code for code, _ in rules.reasons}
        sound = 0 <= rules.delay_from <= rules.delay_to <= LONGEST_DELAY
        known = bool(codes) and codes >= set(rules.always_refused.values())
    except NotPlainYaml as error:
        raise files.FileInvalid(line=error.line, problem_zh=error.zh, problem_en=error.en) from None
    except (KeyError, TypeError, AttributeError) as error:
        message = f"rules of the bank: {error} is missing or wrong"
        raise ValueError(message) from None
    if not sound or not known:
        message = (
            "rules of the bank: delays must rise from 0 to at most 99 days, and every refusal needs a reason"
        )
        raise ValueError(message)
    return rules


def shipped_rules() -> BankRules:
    """The rules that come with the product."""
    return read_rules((resources("datamarket.payouts.bank") / "bank.yaml").read_bytes())


def run_bank(
    content: bytes,
    rules: BankRules,
    seed: int,
    *,
    day: date | None = None,
    opening_fen: Fen = NOTHING,
    receipts: Sequence[StatementLine] = (),
) -> BankRun:
    """Take a payment file on `day` (its own, by default) and answer every line.

    There is one statement a day until the longest delay is over; `receipts` came in on their own days.
    Raises FileInvalid, ControlDiffers.
    """
    file = files.read_payments(content)
    taken = day or file.day
    advice = tuple(_answer(order, rules, seed, taken) for order in file.orders)
    days = [taken + timedelta(days=passed) for passed in range(rules.delay_to + 1)]
    return BankRun(advice, _statements(file, advice, days, opening_fen, receipts))


def _statements(
    file: BankFile,
    advice: Sequence[AdviceLine],
    days: Sequence[date],
    opening_fen: Fen,
    receipts: Sequence[StatementLine],
) -> tuple[StatementFile, ...]:
    orders = {order.reference: order for order in file.orders}
    paid = [
        StatementLine(
            line.day, Fen(-orders[line.reference].amount_fen), line.reference, orders[line.reference].purpose
        )
        for line in advice
        if line.result is BankAnswer.EXECUTED
    ]
    statements = []
    balance = opening_fen
    for day in days:
        lines = tuple(line for line in (*receipts, *paid) if line.value_on == day)
        closing = Fen(balance + sum(line.amount_fen for line in lines))
        statements.append(StatementFile(day, balance, closing, lines))
        balance = closing
    return tuple(statements)


def _answer(order: PaymentOrder, rules: BankRules, seed: int, taken: date) -> AdviceLine:
    fate, wait, why = (_drawn(seed, order.reference, what) for what in ("fate", "wait", "why"))
    day = taken + timedelta(days=rules.delay_from + wait % (rules.delay_to - rules.delay_from + 1))
    known = rules.always_refused.get(order.payee_code)
    if known is None and fate * rules.refuse_share.denominator >= rules.refuse_share.numerator << 64:
        return AdviceLine(order.reference, BankAnswer.EXECUTED, day)
    code, text = (
        rules.reasons[why % len(rules.reasons)] if known is None else (known, dict(rules.reasons)[known])
    )
    return AdviceLine(order.reference, BankAnswer.REFUSED, day, code, text)


def _drawn(seed: int, reference: str, what: str) -> int:
    """Chance that can be drawn again: 64 bits of a hash."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{what}/{reference}".encode()).digest()[:8])
