"""The log held to all that is kept outside: checkpoints, positions, and the losses that people have accepted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from datamarket.evidence.log.findings import AcceptedLoss, Disagreement, Flaw, Verdict
from datamarket.evidence.log.notes import NoteReader, NoteUntrusted
from datamarket.evidence.log.sealing import BEGIN_EPOCH, Sealer, notes_in
from datamarket.evidence.log.verification import NAMED, LeafProgress, Log, verify
from datamarket.evidence.losses.positions import (
    WritePosition,
    digest_of,
    missing_of,
    position_of,
    positions_in,
)
from datamarket.foundation.checks import unheard
from datamarket.foundation.db import Connection


@dataclass(frozen=True)
class Outside:
    """Notes kept outside the database, by name."""

    checkpoints: Mapping[str, str]
    positions: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path) -> "Outside":
        return cls(notes_in(folder), positions_in(folder))

    @classmethod
    async def of_market(cls, connection: Connection, sealer: Sealer) -> "Outside":
        """Of every folder that begins with the same checkpoint."""
        positions = {
            f"{folder.name}/{name}": note
            for folder in await sealer.folders_outside(connection)
            for name, note in positions_in(folder).items()
        }
        return cls(await sealer.kept_outside(connection), positions)


async def verify_against(
    connections: Sequence[Connection], log: Log, outside: Outside, *, progress: LeafProgress = unheard
) -> Verdict:
    """Every finding; what belongs to a loss that was accepted is named as that, and is none."""
    accepted = await accepted_in(connections[0], log)
    opened = positions_left(outside, accepted, log.reader)
    known = {digest for loss in accepted for digest in loss.notes}
    notes = {name: note for name, note in outside.checkpoints.items() if digest_of(note) not in known}
    for name, position in opened.items():
        if position is None:  # which verification says of it
            notes[name] = outside.positions[name]
        elif position.checkpoint is not None and digest_of(position.checkpoint) not in known:
            notes[name] = position.checkpoint
    verdict = await verify(connections, log, notes, progress=progress)
    found = list(verdict.findings)
    for name, position in opened.items():
        if position is not None:
            missing = await missing_of(connections[0], log.ledger_id, log.sources, position)
            found += [
                Disagreement(Flaw.OUTSIDE_ROWS, f"{name}: {len(missing)} rows, {kind} {row}", None, kind, row)
                for kind, row in missing[:NAMED]
            ]
    return replace(verdict, findings=tuple(found), accepted=tuple(accepted))


def positions_left(
    outside: Outside, accepted: Sequence[AcceptedLoss], reader: NoteReader
) -> dict[str, WritePosition | None]:
    """The positions that no accepted loss covers; None for what the key has not signed."""
    opened = {name: position_of(note, reader) for name, note in outside.positions.items()}
    return {
        name: position
        for name, position in opened.items()
        if position is None or not any(_covers(loss, position) for loss in accepted)
    }


def _covers(loss: AcceptedLoss, position: WritePosition) -> bool:
    """Written on the line of the server's log that was lost, within its time: a copy elsewhere may be of any second."""
    return (
        loss.until is not None
        and loss.timeline == position.timeline
        and position.at <= datetime.fromisoformat(loss.until)
        and (loss.since is None or datetime.fromisoformat(loss.since) <= position.at)
    )


_ACCEPTED = """
SELECT (facts->>'epoch')::int AS epoch, facts->>'note' AS note FROM audit_event
 WHERE action = $2 AND action <> 'trading.record' AND facts ? 'note' AND (facts->>'ledger_id')::int = $1 ORDER BY id
"""


async def accepted_in(connection: Connection, log: Log) -> list[AcceptedLoss]:
    """What events tell of losses, where the sealing key has signed it: whoever has only the database accepts nothing."""
    accepted = []
    for row in await connection.fetch(_ACCEPTED, log.ledger_id, BEGIN_EPOCH):
        try:
            head, _, told = log.reader.text_of(row["note"]).partition("\n")
        except NoteUntrusted:
            continue
        if head == f"{log.reader.origin} loss":
            lists = {
                name: tuple(value) for name, value in json.loads(told).items() if isinstance(value, list)
            }
            accepted.append(AcceptedLoss(**json.loads(told) | lists | {"epoch": row["epoch"]}))
    return accepted
