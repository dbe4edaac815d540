"""A bundle is recomputed and held to the sealed events in it; neither database nor network is asked."""

import hashlib
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from datamarket.evidence.log.events import leaf_of_event
from datamarket.evidence.log.merkle import root_from
from datamarket.evidence.log.notes import Checkpoint, NoteReader, NoteUntrusted
from datamarket.foundation.errors import MarketError
from datamarket.subsidy.bundles import contents
from datamarket.subsidy.bundles.contents import BundledEvent, BundledRun, BundleUnreadable
from datamarket.subsidy.evaluator import identity as engine
from datamarket.subsidy.evaluator.rules import evaluate
from datamarket.subsidy.runs.terms import RunPart
from datamarket.subsidy.scheme.files import load_scheme
from datamarket.subsidy.terms import Line, Result, Snapshot, sha256_of_bytes

MOST_NAMED = 5
_EVENTS = TypeAdapter(tuple[BundledEvent, ...])
_BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)
"""What reading a file raises that somebody has changed."""
Difference = tuple[RunPart, str]


@dataclass(frozen=True)
class BundleReplay:
    """In what a bundle is not what was sealed or what its own files give; the engines are named, not compared.

    `key` is whose signature counted: where it came out of the bundle itself, only who knows it is told anything.
    """

    run_id: str
    agrees: bool
    differs: list[str]
    result_sha256: str
    replayed_sha256: str | None
    engine_then: str
    engine_now: str
    events: int
    checkpoint_size: int | None
    key: str


def replay_bundle(file: str, content: bytes, key: str | None = None) -> BundleReplay:
    """Evaluate the scheme over the snapshot and compare with the lines; compare every file with the sealed events.

    `key` is the verifier's key that was kept elsewhere. Raises BundleUnreadable.
    """
    files = contents.unpacked(file, content)
    try:
        run = BundledRun.model_validate_json(files[contents.RUN]).run
        events = _EVENTS.validate_json(files[contents.EVENTS])
        rows = [(text, orjson.loads(text)) for text in files[contents.LINES].split(b"\n") if text]
        lines = [contents.line_of_row(row) for _, row in rows]
        told = contents.newest_row(run["id"], events)
        year, run_id, ledger_id = int(run["year"]), str(run["id"]), int(run["ledger_id"])
    except (*_BROKEN, ValidationError) as error:
        raise BundleUnreadable(file=file, reason=repr(error).splitlines()[0]) from error
    again = _evaluated(files, year)
    key = key or files[contents.KEY].decode(errors="replace")
    checkpoint = _opened(files[contents.CHECKPOINT], key)
    differs = [
        *_other_files(events, _digests(files, rows, lines, again)),
        *_other_lines(lines, again),
        *_other_run(run, told, events),
        *_other_parameters(files, year),
        *_other_facts(files),
        *_other_log(events, checkpoint, run_id, ledger_id),
    ]
    parts = list(RunPart)
    differs = sorted(dict.fromkeys(differs), key=lambda one: parts.index(one[0]))
    return BundleReplay(
        run_id=run_id,
        agrees=not differs,
        differs=[" ".join(filter(None, (*part.labels, named))) for part, named in differs],
        result_sha256=str(run["result_sha256"]),
        replayed_sha256=again.sha256 if again else None,
        engine_then=str(run["engine_id"]),
        engine_now=engine.engine_id(),
        events=len(events),
        checkpoint_size=checkpoint.size if checkpoint else None,
        key=key.strip(),
    )


def _evaluated(files: Mapping[str, bytes], year: int) -> Result | None:
    """The result, or None when scheme and snapshot cannot even be read."""
    try:
        snapshot = Snapshot.from_json(orjson.loads(files[contents.SNAPSHOT]))
        return evaluate(load_scheme(files[contents.SCHEME]), snapshot, year)
    except (*_BROKEN, MarketError):
        return None


def _digests(
    files: Mapping[str, bytes], rows: Sequence[tuple[bytes, Any]], lines: Sequence[Line], again: Result | None
) -> dict[str, Any]:
    """Of the files as they are, what the events tell of the run: as `subsidy_run_digests` takes them."""
    hashes = [hashlib.sha256(text) for text, _ in rows]
    paid = zip(rows, lines, hashes, strict=True)
    return {
        RunPart.SCHEME: sha256_of_bytes(files[contents.SCHEME]),
        RunPart.SNAPSHOT: sha256_of_bytes(files[contents.SNAPSHOT]),
        RunPart.SNAPSHOT_ROW: sha256_of_bytes(files[contents.SNAPSHOT_ROW]),
        RunPart.RESULT: again and again.sha256,
        RunPart.TOTAL: sum(line.amount_fen for line in lines),
        RunPart.LINES: sha256_of_bytes(b"".join(one.digest() for one in hashes)),
        RunPart.PAYEES: {row[0]: one.hexdigest() for (_, row), line, one in paid if line.amount_fen > 0},
    }


def _other_files(events: Sequence[BundledEvent], digests: Mapping[str, Any]) -> Iterator[Difference]:
    for event in events:
        told = event.told
        for part, digest in digests.items():
            if part in told and told[part] != digest:
                yield RunPart(part), ""


def _other_lines(lines: Sequence[Line], again: Result | None) -> Iterator[Difference]:
    """Clause and candidate of the first lines that are not what the scheme gives over the snapshot."""
    if again is None:
        return
    ours, theirs = ({(one.clause, one.candidate): one for one in found} for found in (again.lines, lines))
    unlike = (key for key in ours | theirs if ours.get(key) != theirs.get(key))
    for key in islice(unlike, MOST_NAMED):
        yield RunPart.LINES, " ".join(key)


def _other_run(
    run: Mapping[str, Any], told: Mapping[str, Any], events: Sequence[BundledEvent]
) -> Iterator[Difference]:
    """Against the newest event that tells the row; and there is an event for each of its versions."""
    for column in sorted({*run, *told}):
        if run.get(column) != told.get(column):
            yield (RunPart.ENGINE, "") if column == RunPart.ENGINE else (RunPart.ROW, column)
    moves = sum(event.subject_type == "run" for event in events)
    if moves != told.get("version"):
        yield RunPart.EVENTS, f"{moves} of {told.get('version')}"


def _other_parameters(files: Mapping[str, bytes], year: int) -> Iterator[Difference]:
    try:
        if contents.parameters_of(load_scheme(files[contents.SCHEME]), year) != files[contents.PARAMETERS]:
            yield RunPart.PARAMETERS, ""
    except MarketError:  # the scheme is no scheme, and is named
        return


def _other_facts(files: Mapping[str, bytes]) -> Iterator[Difference]:
    """The statements, by name, against what the snapshot says it was read with."""
    try:
        row = dict(zip(contents.SNAPSHOT_COLUMNS, orjson.loads(files[contents.SNAPSHOT_ROW]), strict=True))
        kept = {
            fact["name"]: {"version": fact["version"], "sha256": sha256_of_bytes(fact["statement"].encode())}
            for fact in orjson.loads(files[contents.FACTS])
        }
        read: dict[str, Any] = dict(row["facts"])
    except _BROKEN:
        yield RunPart.FACTS, ""
        return
    for name in sorted({*kept, *read}):
        if kept.get(name) != read.get(name):
            yield RunPart.FACTS, name


def _opened(note: bytes, key: str) -> Checkpoint | None:
    """The checkpoint, or None where the key has not signed it."""
    try:
        return NoteReader.of_line(key).open(note.decode())
    except (NoteUntrusted, UnicodeDecodeError):
        return None


def _other_log(
    events: Sequence[BundledEvent], checkpoint: Checkpoint | None, run_id: str, ledger_id: int
) -> Iterator[Difference]:
    """Each event is one of this run, and its leaf stands in the tree that the checkpoint signs."""
    if checkpoint is None:
        yield RunPart.CHECKPOINT, ""
        return
    for event in events:
        try:
            leaf = leaf_of_event(event.model_dump(mode="json"), ledger_id)
            path = [b64decode(step, validate=True) for step in event.path]
            holds = root_from(event.index, checkpoint.size, leaf, path) == checkpoint.root
        except _BROKEN:
            holds = False
        if not holds or str(event.subject_id) != run_id:
            yield RunPart.LEAF, str(event.id)
