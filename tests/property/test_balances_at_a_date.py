"""Whatever is posted, late or not, closed, reopened: a balance at a date is the sum of the legs until then."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datamarket.auth.terms import Actor
from datamarket.foundation.db import Database, PageAsked
from datamarket.foundation.errors import MarketError
from datamarket.ledger.books import queries
from datamarket.ledger.periods.rules import PERIOD_LIFE
from datamarket.ledger.periods.terms import PeriodEvent, PeriodState
from datamarket.ledger.statements import queries as statements
from datamarket.ledger.terms import AccountKey, AccountKind
from tests.world.people import AUDITOR
from tests.world.periods import assert_ledger_holds, move, own_ledger, post

KINDS = (AccountKind.BANK, AccountKind.VAT_PAYABLE, AccountKind.TREASURY, AccountKind.SUBSIDY_EXPENSE)
FIRST, TODAY = date(2024, 1, 1), date(2024, 6, 3)
THIS_MONTH = 202406
days = st.dates(FIRST, TODAY)
SEES_ALL: Actor = AUDITOR


class Post(NamedTuple):
    effective: date
    debit: int
    credit: int
    amount: int


class Move(NamedTuple):
    event: Literal["close", "reopen"]
    period: int


steps = st.lists(
    st.one_of(
        st.builds(Post, days, st.integers(0, 1), st.integers(2, 3), st.integers(1, 10**9)),
        st.builds(Move, st.sampled_from(("close", "close", "reopen")), st.integers(202401, 202406)),
    ),
    min_size=4,
    max_size=25,
)


class Naive:
    """Every movement, and the last closed month: what the ledger must agree with."""

    def __init__(self) -> None:
        self.closed_through = 202312
        self.movements: list[tuple[int, date, int]] = []

    def post(self, step: Post) -> None:
        month = step.effective.year * 100 + step.effective.month
        day = step.effective if month > self.closed_through else TODAY.replace(day=1)
        self.movements += [(step.debit, day, step.amount), (step.credit, day, -step.amount)]

    def may_close(self, period: int) -> bool:
        earlier = {day.year * 100 + day.month for _, day, _ in self.movements}
        blocked = any(self.closed_through < month < period for month in earlier)
        return self.closed_through < period < THIS_MONTH and not blocked

    def at(self, account: int, on: date) -> tuple[int, int]:
        amounts = [amount for which, day, amount in self.movements if which == account and day <= on]
        return sum(a for a in amounts if a > 0), -sum(a for a in amounts if a < 0)


async def attempt(database: Database, ledger_id: int, naive: Naive, step: Move) -> None:
    """Close or reopen; the refusals are those that the naive books foresee."""
    if step.event == "close":
        try:
            await move(database, ledger_id, step.period, PeriodEvent.BEGIN_CLOSING)
        except MarketError:
            assert not naive.may_close(step.period)
        else:
            assert naive.may_close(step.period)
            await move(database, ledger_id, step.period, PeriodEvent.CLOSE)
            naive.closed_through = step.period
        return
    allowed = step.period == naive.closed_through
    try:
        await move(database, ledger_id, step.period, PeriodEvent.REOPEN)
    except MarketError:
        assert not allowed
    else:
        assert allowed
        naive.closed_through -= 1


async def compare(
    database: Database, accounts: Sequence[AccountKey], naive: Naive, dates: Sequence[date]
) -> None:
    ledger_id = accounts[0].ledger_id
    async with database.transaction() as session:
        for on in dates:
            sums = {}
            for number, account in enumerate(accounts):
                expected = naive.at(number, on)
                assert await queries.balance_at(session, ledger_id, account.id, at=on) == expected
                if any(expected):
                    sums[account.kind.value] = (1, *expected)
            rows = await queries.trial_balance(session, ledger_id, at=on)
            assert {row.kind: (row.accounts, row.debit_fen, row.credit_fen) for row in rows} == sums
            assert sum(debit - credit for _, debit, credit in sums.values()) == 0


async def read_by_page(database: Database, account: AccountKey, first: date, last: date) -> None:
    """Pages of three, put together, lead from the opening balance to the closing one."""
    async with database.transaction() as session:
        found = (
            await queries.get_account(session, account.ledger_id, account.id, visible_to=SEES_ALL)
        ).account
        after, balance, pages = None, None, 0
        while True:
            page = await statements.read_statement(
                session, found, from_on=first, to_on=last, page=PageAsked(3, after)
            )
            balance = page.opening_fen if balance is None else balance
            assert page.brought_forward_fen == balance
            sign = 1 if found.normal_side == "debit" else -1
            for movement in page.movements[:3]:
                balance += sign * movement.amount_fen
                assert movement.balance_fen == balance
                assert first <= movement.day <= last
            pages += 1
            if len(page.movements) <= 3:
                break
            after = page.movements[2].position
        assert balance == page.closing_fen


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps, st.lists(days, min_size=1, max_size=4))
async def test_a_balance_at_a_date_is_the_naive_sum(
    database: Database, database_url: str, history: list[Post | Move], dates: list[date]
) -> None:
    ledger_id, naive = own_ledger(), Naive()
    accounts = [AccountKey(ledger_id, None, kind) for kind in KINDS]
    moved: defaultdict[int, int] = defaultdict(int)
    for step in history:
        if isinstance(step, Post):
            await post(
                database, accounts[step.debit], accounts[step.credit], step.amount, effective=step.effective
            )
            naive.post(step)
            moved[step.debit] += 1
        else:
            await attempt(database, ledger_id, naive, step)
    ends = [date(2024, month, 1) - timedelta(days=1) for month in range(1, 7)]
    await compare(database, accounts, naive, [*dates, *ends, TODAY, date(2025, 1, 1)])
    for number in moved:
        await read_by_page(database, accounts[number], min(dates), TODAY)
    await assert_ledger_holds(database_url, ledger_id)


def test_only_a_closed_month_is_reopened_or_archived() -> None:
    sources = {
        event: {state for state, moving in PERIOD_LIFE.table if moving is event} for event in PeriodEvent
    }
    assert sources[PeriodEvent.REOPEN] == sources[PeriodEvent.ARCHIVE] == {PeriodState.CLOSED}
