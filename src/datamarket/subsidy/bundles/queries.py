"""Reading what a bundle of a run holds."""

import asyncio
from base64 import b64encode
from typing import Any

import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.evidence import queries as evidence
from datamarket.evidence.log.leaves import AUDIT_EVENTS
from datamarket.evidence.log.notes import NoteReader
from datamarket.evidence.log.proofs import prove_together
from datamarket.foundation.db import Connection, driver
from datamarket.foundation.documents.archive import packed_files
from datamarket.subsidy.bundles import contents
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.runs import dossier, sealed
from datamarket.subsidy.runs.queries import RunView
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.scheme.files import read_scheme

_LINES = (
    f"SELECT jsonb_build_array({', '.join(contents.LINE_COLUMNS)})::text"  # noqa: S608 - constants
    " FROM subsidy_line WHERE run_id = $1 ORDER BY position, id"
)
MOST_EVENTS = 1000
"""Each event of a run's life happens a few times at most."""
_INSTANTS = ("cutoff", "as_of_recorded")
_COLUMNS = [
    f"extract(epoch FROM {name})" if name in _INSTANTS else name for name in contents.SNAPSHOT_COLUMNS
]
_SNAPSHOT = (
    f"SELECT content, jsonb_build_array({', '.join(_COLUMNS)})::text FROM subsidy_snapshot WHERE id = $1"  # noqa: S608
)
_FACTS = """
SELECT f.name, f.version, f.sha256, f.statement FROM subsidy_snapshot AS s CROSS JOIN jsonb_each(s.facts) AS read
  JOIN subsidy_fact_version AS f ON f.name = read.key AND f.version = (read.value ->> 'version')::integer
 WHERE s.id = $1 ORDER BY f.name
"""


async def bundle_of(session: AsyncSession, view: RunView, reader: NoteReader) -> bytes:
    """The run as one file that replays without us; its events are proved by the earliest checkpoint that holds them.

    Raises NotCalculated, RunNotAsSealed, and NothingSealed or NotSealedYet while an event waits to be sealed.
    """
    dossier.check_calculated(view)
    run, connection = view.run, await driver(session)
    await sealed.check_as_sealed(session, run)
    version = await register_queries.version_by_id(session, run.scheme_version_id)
    events, checkpoint = await _events(connection, run)
    snapshot, row = await connection.fetchrow(_SNAPSHOT, run.snapshot_id) or (b"", "")
    lines = await connection.fetch(_LINES, run.id)
    facts = [dict(fact) for fact in await connection.fetch(_FACTS, run.snapshot_id)]
    scheme = read_scheme(version.content)
    files = {
        contents.RUN: _json(contents.BundledRun(run=contents.newest_row(run.id, events)).model_dump()),
        contents.SCHEME: version.content,
        contents.SNAPSHOT: snapshot,
        contents.SNAPSHOT_ROW: row.encode(),
        contents.FACTS: _json(facts),
        contents.PARAMETERS: contents.parameters_of(scheme, run.year),
        contents.LINES: "\n".join(line[0] for line in lines).encode(),
        contents.EVENTS: _json([event.model_dump(mode="json") for event in events]),
        contents.CHECKPOINT: checkpoint.encode(),
        contents.KEY: f"{reader.line}\n".encode(),
    }
    return await asyncio.to_thread(packed_files, files)


def _json(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


async def _events(connection: Connection, run: SubsidyRun) -> tuple[list[contents.BundledEvent], str]:
    """Every event of the run with its path, and the note of the checkpoint they lead to."""
    told = await evidence.list_of_subject(connection, run.id, limit=MOST_EVENTS)
    proofs = await prove_together(connection, run.ledger_id, AUDIT_EVENTS, [event.id for event in told])
    events = [
        contents.BundledEvent(
            **event._asdict(), index=proof.index, path=tuple(b64encode(step).decode() for step in proof.path)
        )
        for event, proof in zip(told, proofs, strict=True)
    ]
    return events, proofs[0].checkpoint.note
