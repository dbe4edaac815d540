"""The bank's statements come in, and their lines find their entries: by reference, or by hand with a reason."""

import re
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import Connection, driver
from datamarket.foundation.documents.reading import read_aside
from datamarket.foundation.ids import new_id
from datamarket.foundation.money import yuan
from datamarket.ledger.books.actions import deposit_source
from datamarket.payouts import files
from datamarket.payouts.bank import queries, rules
from datamarket.payouts.bank.tables import BankLine, BankStatement
from datamarket.payouts.bank.terms import MatchState
from datamarket.payouts.terms import StatementFile

MATCHED_AT_ONCE = 5_000
_SOURCE = re.compile(r"(?:PO)?([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)


async def import_statement(
    session: AsyncSession, actor: Actor, ledger_id: int, text: str, *, now: datetime
) -> BankStatement:
    """A day at the bank, once, in the order of days; its lines are matched at once where they can be.

    Raises FileInvalid, StatementUntimely, StatementUnbalanced, StatementOutOfOrder, StatementGap,
    StatementImported.
    """
    told = await read_aside(files.read_statement, text)
    if told.day > business_date(now):
        raise rules.StatementUntimely(day=told.day.isoformat())
    rules.check_adds_up(told)
    await queries.lock_statements(session, ledger_id)
    digest = sha256(text.encode()).hexdigest()
    last = await queries.last_statement(session, ledger_id)
    if last is not None and digest != last.sha256:
        rules.check_follows(told, last.day, last.closing_fen)
    statement = BankStatement(
        ledger_id=ledger_id,
        id=new_id(now),
        sha256=digest,
        day=told.day,
        opening_fen=told.opening_fen,
        closing_fen=told.closing_fen,
        lines=len(told.lines),
        actor_id=actor.account_id,
        imported_at=now,
    )
    session.add(statement)
    await session.flush()
    session.add_all(_lines(statement, told, now))
    matched = await match_open_lines(await driver(session), ledger_id)
    facts = {"day": told.day.isoformat(), "sha256": digest, "lines": len(told.lines), "matched": matched}
    await evidence.record(session, actor, "bank.import", ("bank_statement", statement.id), now=now, **facts)
    return statement


def _lines(statement: BankStatement, told: StatementFile, now: datetime) -> Iterator[BankLine]:
    for position, line in enumerate(told.lines, 1):
        yield BankLine(
            ledger_id=statement.ledger_id,
            id=new_id(now),
            statement_id=statement.id,
            position=position,
            day=statement.day,
            value_on=line.value_on,
            amount_fen=line.amount_fen,
            reference=line.reference,
            text=line.text,
        )


def sources_of(ledger_id: int, reference: str) -> set[UUID]:
    """The businesses that a bank reference may name: what we sent, by its id, or a buyer's deposit."""
    written = _SOURCE.fullmatch(reference)
    named = {UUID(written.group(1))} if written else set()
    return named | {deposit_source(ledger_id, reference)}


_OPEN = """
SELECT id, reference FROM bank_line WHERE ledger_id = $1 AND match_state = 'open' ORDER BY id LIMIT $2 FOR UPDATE
"""
_CANDIDATES = """
SELECT b.id AS line_id, e.id AS entry_id, ledger_accounting_day(e.effective_at, e.period) AS entry_on
  FROM unnest($2::uuid[], $3::uuid[]) AS named (line_id, source_id)
  JOIN bank_line b ON b.ledger_id = $1 AND b.id = named.line_id
  JOIN ledger_entry e ON e.ledger_id = $1 AND e.source_id = named.source_id
  JOIN ledger_leg l ON l.ledger_id = $1 AND l.period = e.period AND l.entry_id = e.id
                   AND l.account_id = $4 AND l.amount_fen = b.amount_fen
 WHERE NOT EXISTS (SELECT FROM bank_line m WHERE m.ledger_id = $1 AND m.entry_id = e.id)
 ORDER BY b.id, e.id
"""
_MATCH = """
UPDATE bank_line AS b SET match_state = 'matched', entry_id = m.entry_id, entry_on = m.entry_on, version = version + 1
  FROM unnest($2::uuid[], $3::uuid[], $4::date[]) AS m (line_id, entry_id, entry_on)
 WHERE b.ledger_id = $1 AND b.id = m.line_id
"""


async def match_open_lines(connection: Connection, ledger_id: int) -> int:
    """Give open lines the entry that their reference names, where the amount is the same; how many there were."""
    open_lines = await connection.fetch(_OPEN, ledger_id, MATCHED_AT_ONCE)
    named = [(row["id"], source) for row in open_lines for source in sources_of(ledger_id, row["reference"])]
    if not named:
        return 0
    lines, sources = zip(*named, strict=True)
    account = queries.bank_account(ledger_id)
    found = await connection.fetch(_CANDIDATES, ledger_id, lines, sources, account)
    chosen: dict[UUID, tuple[UUID, object]] = {}
    taken: set[UUID] = set()
    for row in found:
        if row["line_id"] not in chosen and row["entry_id"] not in taken:
            chosen[row["line_id"]] = row["entry_id"], row["entry_on"]
            taken.add(row["entry_id"])
    entries, days = [entry for entry, _ in chosen.values()], [day for _, day in chosen.values()]
    await connection.execute(_MATCH, ledger_id, list(chosen), entries, days)
    return len(chosen)


async def match_again(session: AsyncSession, actor: Actor, ledger_id: int, *, now: datetime) -> int:
    """Match what could not be matched before; how many lines found their entry."""
    matched = await match_open_lines(await driver(session), ledger_id)
    account = queries.bank_account(ledger_id)
    await evidence.record(session, actor, "bank.match-again", ("account", account), now=now, matched=matched)
    return matched


async def match_by_hand(
    session: AsyncSession,
    actor: Actor,
    line: BankLine,
    *,
    entry_id: UUID,
    reason: str,
    now: datetime,
) -> BankLine:
    """A line, locked by the caller, and an entry that no reference joins.

    Raises NotFound, LineMatchedAlready, MatchAmountDiffers, EntryMatchedAlready.
    """
    if line.match_state != MatchState.OPEN:
        raise rules.LineMatchedAlready
    amount, entry_on = await queries.movement_of(await driver(session), line.ledger_id, entry_id)
    if amount != line.amount_fen:
        raise rules.MatchAmountDiffers(line=yuan(line.amount_fen), entry=yuan(amount))
    line.match_state, line.match_reason = MatchState.MATCHED_BY_HAND, reason
    line.entry_id, line.entry_on = entry_id, entry_on
    line.version += 1
    facts = {"entry_id": str(entry_id), "amount_fen": amount, "reason": reason}
    await evidence.record(session, actor, "bank.match", ("bank_line", line.id), now=now, **facts)
    return line
