"""What a bundle holds, by file, and how it is read again; nothing here knows a database."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

from datamarket.foundation.documents.archive import ArchiveUnreadable, unpacked_files
from datamarket.foundation.errors import Invalid
from datamarket.subsidy.scheme.dated_values import Frozen, Timeline
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import Line, LineStatus, Step, canonical_json

RUN, SCHEME, SNAPSHOT, SNAPSHOT_ROW, FACTS, PARAMETERS, LINES, EVENTS, CHECKPOINT, KEY = NAMES = (
    "run.json",
    "scheme.yaml",
    "snapshot.json",
    "snapshot-row.json",
    "facts.json",
    "parameters.json",
    "lines.jsonl",
    "events.json",
    "checkpoint.txt",
    "key.txt",
)
MOST_BYTES = 256 * 2**20
"""Of one file: of ten thousand enterprises the lines, the largest, take 23 MB."""
LINE_COLUMNS = (
    "id", "position", "clause_id", "candidate_id", "enterprise_id", "uscc", "name", "enterprise_zh", "enterprise_en",
    "status", "base_fact", "base_fen", "rank", "rate", "cap_fen", "cap_bound", "amount_fen", "flags", "steps",
)  # fmt: skip
SNAPSHOT_COLUMNS = (
    "id", "ledger_id", "year", "cutoff", "as_of_recorded", "watermark", "sha256", "facts", "counts", "parties",
    "venues", "related", "flagged", "rings",
)  # fmt: skip
"""In the order of `subsidy_run_digests`: a row is a JSON array whose text the database has hashed."""


class BundleUnreadable(Invalid):
    code = "subsidy.bundle-unreadable"
    zh = "“{file}”不是完整的重算包：{reason}。"
    en = "'{file}' is no whole bundle: {reason}."


class BundledEvent(Frozen):
    """An audit event of the run as its leaf has it, and the path from that leaf to the root of the checkpoint."""

    id: UUID
    xid: int
    at: int
    actor_id: UUID
    organisation_id: UUID | None
    action: str
    subject_type: str
    subject_id: UUID
    facts: str
    index: int
    path: tuple[str, ...]

    @property
    def told(self) -> dict[str, Any]:
        """Its facts, read. Raises ValueError and TypeError where they are none."""
        return dict(json.loads(self.facts))


class BundledRun(Frozen):
    """The run as its newest event tells it."""

    format: Literal["subsidy-bundle/1"] = "subsidy-bundle/1"
    run: dict[str, Any]


def unpacked(file: str, content: bytes) -> dict[str, bytes]:
    """The files of a bundle. Raises BundleUnreadable."""
    try:
        return unpacked_files(content, NAMES, MOST_BYTES)
    except ArchiveUnreadable as error:
        raise BundleUnreadable(file=file, reason=str(error)) from error


def parameters_of(scheme: Scheme, year: int) -> bytes:
    """Every dated value as it holds for the year, in the words of the scheme file."""
    end = date(year, 12, 31)
    dated: list[tuple[str, Timeline[Any] | None, date]] = []
    for clause in scheme.clauses:
        on, top = clause.basis_date(year), clause.select.top if clause.select else None
        named = {
            "rate": clause.rate,
            "tiers": clause.tiers,
            "floor": clause.floor,
            "cap": clause.cap,
            "select.top": top,
        }
        dated += [(f"{clause.id}.{name}", timeline, on) for name, timeline in named.items()]
    pool = scheme.budget.amount if scheme.budget else None
    dated += [("enterprise_cap", scheme.enterprise_cap, end), ("budget.amount", pool, end)]
    return canonical_json([_resolved(name, timeline, on) for name, timeline, on in dated if timeline])


def _resolved(name: str, timeline: Timeline[Any], on: date) -> dict[str, Any]:
    held = timeline.on(on)
    told = {"parameter": name, "on": on.isoformat(), "since": None, "value": None}
    if held is None:
        return told
    stated = timeline.root[held.since].model_dump(mode="json")
    value = stated["value"] if isinstance(stated, dict) else stated
    return told | {"since": held.since.isoformat(), "value": value}


def line_of_row(row: Sequence[Any]) -> Line:
    """The evaluator's own line from the columns of a stored one."""
    told: Mapping[str, Any] = dict(zip(LINE_COLUMNS, row, strict=True))
    steps = tuple(Step.from_json(step) for step in told["steps"])
    same = {
        name: told[name]
        for name in ("name", "base_fen", "rank", "rate", "cap_fen", "cap_bound", "amount_fen")
    }
    named = {"clause": told["clause_id"], "candidate": told["candidate_id"], "enterprise": told["uscc"]}
    return Line(**named, **same, status=LineStatus(told["status"]), steps=steps)


def newest_row(run_id: UUID | str, events: Sequence[BundledEvent]) -> dict[str, Any]:
    """The row of the run as the event of its newest version tells it; nothing where none does."""
    told = (event.told.get("rows", {}).get("subsidy_run", {}).get(str(run_id)) for event in events)
    return max(filter(None, told), key=lambda row: int(row["version"]), default={})
