"""Accepting a loss: what is missing is listed, two people sign for it, and an epoch begins that is held to the rest."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

from datamarket.auth.terms import Actor, Permission
from datamarket.evidence.log.findings import AcceptedLoss, Flaw, Verdict
from datamarket.evidence.log.sealing import Opening, Sealer, notes_in
from datamarket.evidence.log.verification import Log
from datamarket.evidence.losses.judging import Outside, accepted_in, positions_left
from datamarket.evidence.losses.positions import digest_of, missing_of, positions_in
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.errors import Conflict, Forbidden

LOST = frozenset({Flaw.OUTSIDE_LONGER, Flaw.OUTSIDE_ROOT, Flaw.OUTSIDE_ROWS})
"""What the end of a log looks like that is gone; anything else is no loss, and nobody can accept it."""


class NothingLost(Conflict):
    code = "evidence.nothing-lost"
    zh = "库外检查点与已确认位置所载内容均在库中，没有可确认的数据丢失。"
    en = "All that checkpoints and positions outside tell of is there: there is no loss to accept."


class LogBroken(Conflict):
    code = "evidence.log-broken"
    zh = "除数据丢失外，核验还发现“{flaw_zh}”（{name}）；这不是丢失，不得确认接受。"
    en = "Beside a loss, verification finds that {flaw_en} ({name}); that is no loss, and cannot be accepted."


class OnePersonAccepts(Forbidden):
    code = "evidence.one-person"
    zh = "确认接受数据丢失须由两名不同人员共同办理。"
    en = "A loss is accepted by two different people."


class LossNotTheirs(Forbidden):
    code = "evidence.loss-not-theirs"
    zh = "账户“{username}”不属于数据主管、财政或审计部门，无权确认接受数据丢失。"
    en = "The account '{username}' is none of the data authority, of finance or of the auditor, who accept a loss."


def check_people(people: Sequence[tuple[str, Actor]]) -> None:
    """Two, who may read what happened. Raises OnePersonAccepts or LossNotTheirs."""
    if len({actor.account_id for _, actor in people}) != 2:
        raise OnePersonAccepts
    for username, actor in people:
        if not actor.may(Permission.READ_AUDIT_EVENTS):
            raise LossNotTheirs(username=username)


async def loss_of(connection: Connection, log: Log, outside: Outside, verdict: Verdict) -> AcceptedLoss:
    """What is missing, as far as the outside knows. Raises LogBroken or NothingLost."""
    for finding in verdict.findings:
        if finding.flaw not in LOST:
            zh, en = finding.flaw.labels
            raise LogBroken(flaw_zh=zh, flaw_en=en, name=finding.name)
    names = {finding.name.partition(": ")[0] for finding in verdict.findings}
    if not names:
        raise NothingLost
    left = positions_left(outside, await accepted_in(connection, log), log.reader)
    positions = [position for name, position in left.items() if position is not None and name in names]
    newest = max(positions, key=lambda position: position.at, default=None)
    notes = {name: note for name, note in outside.checkpoints.items() if name in names}
    told_of = [*notes.values(), *(position.checkpoint for position in positions if position.checkpoint)]
    kept, since, sealed = await _branched(connection, log, told_of)
    rows: dict[str, None] = {}
    for position in positions:
        missing = await missing_of(connection, log.ledger_id, log.sources, position)
        rows |= dict.fromkeys(f"{kind} {row}" for kind, row in missing)
    told = [*notes.values(), *(outside.positions[name] for name in left if name in names)]
    return AcceptedLoss(
        epoch=0,
        kept=kept,
        sealed=sealed,
        rows=tuple(rows),
        unnamed=newest.unnamed if newest else 0,
        since=since,
        until=newest.at.astimezone(UTC).isoformat() if newest else None,
        timeline=newest.timeline if newest else None,
        lsn=newest.lsn if newest else None,
        notes=tuple(sorted(map(digest_of, told))),
    )


async def _branched(
    connection: Connection, log: Log, checkpoints: Sequence[str]
) -> tuple[int, str | None, int]:
    """Up to which leaf, sealed when, the log is that of before; and up to which leaf checkpoints tell of another."""
    there = await connection.fetch(_THERE, log.ledger_id, checkpoints)
    present = {row["checkpoint"]: row["size"] for row in there}
    lost = [log.reader.open(one).size for one in checkpoints if one not in present]
    edge = min(lost) - 1 if lost else max(present.values(), default=0)
    block = await connection.fetchrow(_BLOCK_UP_TO, log.ledger_id, edge)
    if block is None:
        return 0, None, max(lost, default=0)
    return block["size"], block["sealed_at"].isoformat(), max([block["size"], *lost])


_THERE = "SELECT size, checkpoint FROM seal_block WHERE ledger_id = $1 AND checkpoint = ANY ($2)"
_BLOCK_UP_TO = """
SELECT size, sealed_at FROM seal_block WHERE ledger_id = $1 AND size <= $2 ORDER BY size DESC LIMIT 1
"""


async def accept_loss(
    database: Database,
    sealer: Sealer,
    loss: AcceptedLoss,
    people: Sequence[tuple[str, Actor]],
    *,
    reason: str,
    now: datetime,
) -> int:
    """Begin an epoch that tells of it, and put aside what told of it outside; how many leaves the epoch begins with.

    Raises OnePersonAccepts or LossNotTheirs.
    """
    check_people(people)
    signed = replace(
        loss, people=tuple(f"{name} {actor.account_id}" for name, actor in people), reason=reason
    )
    told = json.dumps(asdict(signed), ensure_ascii=False)
    note = sealer.notary.stamp(f"{sealer.notary.origin} loss\n{told}\n")
    opening = Opening(people[0][1], {"note": note, "second_id": str(people[1][1].account_id)})
    while not (leaves := await sealer.seal(database, now=now, opening=opening)):  # noqa: ASYNC110 - another process seals just now
        await asyncio.sleep(1 / 10)
    async with database.connection() as connection:
        epoch = await connection.fetchval(
            "SELECT max(epoch) FROM seal_block WHERE ledger_id = $1", sealer.ledger_id
        )
        for folder in await sealer.folders_outside(connection):
            for name, kept in (notes_in(folder) | positions_in(folder)).items():
                if digest_of(kept) in loss.notes:
                    aside = folder / f"lost-{epoch}"
                    aside.mkdir(exist_ok=True)
                    (folder / name).replace(aside / name)
        await sealer.keep_outside(connection, everything=True)
    return leaves
