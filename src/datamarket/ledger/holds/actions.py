"""Two-phase money: set aside, then posted in part or whole, given back, or expired; each resolved at most once.

A hold belongs to one business (`source_type`, `source_id`). Whoever changes it locks its account's balance
first, as every posting does, then the hold. SQL stands here because the functions of the database are called here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.money import Fen
from datamarket.ledger import posting
from datamarket.ledger.holds.terms import HoldId, Rest
from datamarket.ledger.terms import AccountId, Posting

LARGEST_BATCH = 500
_LOCK = "SELECT ledger_lock_balances($1, $2::uuid[])"
_HOLD_STILL = "SELECT ledger_hold_still($1, $2)"
_PLACE = """
SELECT ledger_place_holds($1, $2, ARRAY[$3::uuid], ARRAY[$4::uuid], ARRAY[$5::bigint], ARRAY[$6::timestamptz],
                          ARRAY[$7::text], ARRAY[$8::uuid], ARRAY[$9::uuid], ARRAY[$10::uuid])
"""
_RESOLVE = """
SELECT ledger_resolve_holds($1, $2, ARRAY[$3::uuid], ARRAY[$4::bigint], ARRAY[$5::bool], ARRAY[$6::uuid], ARRAY[$7::text])
"""
_EXPIRE = """
SELECT id, expired_fen, expires_at, actor_id, organisation_id FROM ledger_expire_holds($1, $2, $3::uuid[], $4)
"""


@dataclass(frozen=True)
class HoldIntent:
    """Money to set aside on an account until `expires_at`, for one business."""

    id: HoldId
    account_id: AccountId
    amount_fen: Fen
    expires_at: datetime
    source_type: str
    source_id: UUID


async def lock_balances(connection: Connection, ledger_id: int, accounts: Iterable[AccountId]) -> None:
    """Lock the balances that several steps of one transaction will touch, all at once and in one order."""
    await connection.execute(_LOCK, ledger_id, list(accounts))


async def hold_still(connection: Connection, ledger_id: int, accounts: Iterable[UUID]) -> dict[UUID, int]:
    """What each account can give; none of them moves until the transaction ends."""
    rows = await connection.fetch(_HOLD_STILL, ledger_id, sorted(accounts))
    return {account_id: available_fen for [(account_id, available_fen)] in rows}


async def place_hold(
    connection: Connection, ledger_id: int, actor: Actor, intent: HoldIntent, *, now: datetime
) -> None:
    """Set money aside. The account must be open.

    The database raises by constraint name (see `tables.ERRORS`): the funds do not suffice, the business
    has a hold already, the time is over already.
    """
    await connection.execute(
        _PLACE,
        ledger_id,
        now,
        intent.id,
        intent.account_id,
        intent.amount_fen,
        intent.expires_at,
        intent.source_type,
        intent.source_id,
        actor.account_id,
        actor.participant_id,
    )
    facts = {"amount_fen": intent.amount_fen, "source_id": str(intent.source_id)}
    await _record(connection, actor, "place", intent.id, facts, now=now)


async def post_hold(
    connection: Connection,
    ledger_id: int,
    actor: Actor,
    hold_id: HoldId,
    entry: Posting,
    *,
    amount_fen: Fen,
    rest: Rest = Rest.VOID,
    now: datetime,
) -> None:
    """Post `entry` from held money: it debits the held account by exactly `amount_fen`.

    What is left of the hold stays held, or is given back, as `rest` says. The whole is refused, by
    constraint name, when the hold is resolved, its time is over, or less than `amount_fen` is still held.
    """
    await lock_balances(connection, ledger_id, [leg.account_id for leg in entry.legs])
    await connection.execute(_RESOLVE, ledger_id, now, hold_id, amount_fen, rest is Rest.KEEP, entry.id, None)
    await posting.post(connection, ledger_id, [entry], now=now)
    facts = {"amount_fen": amount_fen, "rest": rest, "entry_id": str(entry.id)}
    await _record(connection, actor, "post", hold_id, facts, now=now)


async def void_hold(
    connection: Connection, ledger_id: int, actor: Actor, hold_id: HoldId, *, reason: str, now: datetime
) -> None:
    """Give back all that is still held. Refused, by constraint name, when the hold is resolved."""
    await connection.execute(_RESOLVE, ledger_id, now, hold_id, 0, False, None, reason)
    await _record(connection, actor, "void", hold_id, {"reason": reason}, now=now)


async def _record(
    connection: Connection, actor: Actor, verb: str, hold_id: HoldId, facts: dict[str, Any], *, now: datetime
) -> None:
    event = evidence.Event(actor, hold_id, facts)
    await evidence.record_many(connection, f"ledger.{verb}-hold", "hold", [event], now=now)


async def expire_holds(
    connection: Connection, ledger_id: int, hold_ids: Sequence[HoldId] | None, *, now: datetime
) -> int:
    """Expire those of these holds that are open and due; without names, a batch of whatever is due.

    A hold that was resolved before stays as it is. Whoever placed it set its time: the event is theirs.
    """
    rows = await connection.fetch(_EXPIRE, ledger_id, now, hold_ids, LARGEST_BATCH)
    events = [
        evidence.Event(
            Actor(row["actor_id"], row["organisation_id"], frozenset()),
            row["id"],
            {"expired_fen": row["expired_fen"], "expires_at": row["expires_at"].isoformat()},
        )
        for row in rows
    ]
    await evidence.record_many(connection, "ledger.expire-hold", "hold", events, now=now)
    return len(rows)


async def expire_due(database: Database, ledger_id: int, now: datetime) -> int:
    """Expire holds whose time is over, one batch; accounts that are busy just now wait for the next turn."""
    async with database.plain_transaction() as connection:
        return await expire_holds(connection, ledger_id, None, now=now)
