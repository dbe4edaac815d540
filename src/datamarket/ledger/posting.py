"""The one way into the books: postings become arrays, and one database function takes them all or none."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.foundation.clock import month_of
from datamarket.foundation.db import Connection
from datamarket.foundation.desks.writes import Write, folded, write_together
from datamarket.foundation.ids import new_id
from datamarket.ledger import rules
from datamarket.ledger.terms import (
    DEBIT_NORMAL,
    NEVER_NEGATIVE,
    AccountKey,
    EntryId,
    EntryKind,
    Leg,
    Posting,
    Side,
)

_OPEN = "SELECT ledger_open_accounts($1, $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bool[], $7)"
_POST = """
SELECT ledger_post($1, $2, $3, $4::uuid[], unfolded($5::int[], cardinality($4)), unfolded($6::text[], cardinality($4)),
                   unfolded($7::timestamptz[], cardinality($4)), unfolded($8::text[], cardinality($4)), $9::uuid[],
                   unfolded($10::uuid[], cardinality($4)), unfolded($11::uuid[], cardinality($4)),
                   l.entries, l.seqs, l.accounts, l.amounts)
  FROM (SELECT array_agg(e.number::int) AS entries, array_agg(l.seq) AS seqs, array_agg(l.account) AS accounts,
               array_agg(l.amount) AS amounts
          FROM unnest(unfolded($12::int[], cardinality($4::uuid[]))) WITH ORDINALITY AS e (legs, number)
          JOIN (SELECT * FROM unnest($13::int[], $14::int[], $15::uuid[], $16::bigint[]) AS l (legs, seq, account, amount)
                OFFSET 0) AS l USING (legs)) AS l
"""  # without OFFSET 0, Citus 14 takes one column of the legs for another: "attribute 3 of type record has wrong type"


def new_posting(
    actor: Actor,
    kind: EntryKind,
    source: tuple[str, UUID],
    legs: tuple[Leg, ...],
    *,
    now: datetime,
    at: datetime | None = None,
    reverses: EntryId | None = None,
) -> Posting:
    """An entry that settles one business of an actor; it takes effect `at` an instant, else now."""
    return Posting(EntryId(new_id(now)), kind, at or now, *source, actor.account_id, legs, reverses)


async def open_accounts(
    connection: Connection, ledger_id: int, accounts: Iterable[AccountKey], *, now: datetime
) -> None:
    """Open what is not open yet; an account that exists stays as it is."""
    distinct = sorted(set(accounts), key=lambda account: account.id)
    await connection.execute(
        _OPEN,
        ledger_id,
        [account.id for account in distinct],
        [account.owner_id for account in distinct],
        [account.kind for account in distinct],
        [Side.DEBIT if account.kind in DEBIT_NORMAL else Side.CREDIT for account in distinct],
        [account.kind not in NEVER_NEGATIVE for account in distinct],
        now,
    )


async def post(connection: Connection, ledger_id: int, postings: Sequence[Posting], *, now: datetime) -> None:
    """Post all, or none and raise.

    An entry stands in the month of its effective date; when that month is closed, in the month of
    `now`. The database raises by constraint name (see `tables.ERRORS`): a balance overdrawn, a
    business posted before, an account not opened, a period closed, a reversal beyond its original.
    Raises EntryUnbalanced before it asks the database.
    """
    await write_together(connection, writes_of(ledger_id, postings, now=now))


def writes_of(ledger_id: int, postings: Sequence[Posting], *, now: datetime) -> list[Write]:
    """What `post` asks of the database, to be asked together with other writes: as their last. Raises EntryUnbalanced."""
    if not postings:
        return []
    shared = {id(posting.legs): posting.legs for posting in postings}  # many sales are one that is remembered
    numbers = {identity: number for number, identity in enumerate(shared, 1)}
    for legs in shared.values():
        rules.check_balanced(legs)
    told = [(i, seq, leg) for i, legs in enumerate(shared.values(), 1) for seq, leg in enumerate(legs, 1)]
    arguments = (
        ledger_id,
        now,
        month_of(now),
        [posting.id for posting in postings],
        folded([month_of(posting.effective_at) for posting in postings]),
        folded([posting.kind for posting in postings]),
        folded([posting.effective_at for posting in postings]),
        folded([posting.source_type for posting in postings]),
        [posting.source_id for posting in postings],
        folded([posting.reverses for posting in postings]),
        folded([posting.actor_id for posting in postings]),
        folded([numbers[id(posting.legs)] for posting in postings]),
        [number for number, _, _ in told],
        [seq for _, seq, _ in told],
        [leg.account_id for _, _, leg in told],
        [leg.amount_fen for _, _, leg in told],
    )
    return [Write(_POST, arguments)]
