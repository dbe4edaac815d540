"""What a leaf is made of, and where leaves come from; every hash over rows is taken in the database, by set.

A leaf covers kind, ledger, id, the transaction that wrote the row, and a digest over all its other columns.
Each field goes in behind its length, so that no two rows share their bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LEDGER = "$1::int"


def field(value: str) -> str:
    """SQL: bytes behind their length."""
    return f"int4send(octet_length({value})) || {value}"


def micros(column: str) -> str:
    """SQL: an instant in whole microseconds since 1970; the largest number for what no calendar has."""
    return (
        f"CASE WHEN {column} BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'"
        f" THEN (extract(epoch FROM {column}) * 1000000)::bigint ELSE 9223372036854775807 END"
    )


def leaf_hash(kind: str, row: str = "r") -> str:
    """SQL: the hash of the leaf of a row that has `id`, `xid` and `digest`, which is written, and taken, once."""
    constant = b"\x00" + len(kind).to_bytes(4) + kind.encode() + (4).to_bytes(4)
    return (
        f"sha256('\\x{constant.hex()}'::bytea || int4send({LEDGER}) || '\\x00000010'::bytea || uuid_send({row}.id)"
        f" || '\\x00000008'::bytea || int8send({row}.xid) || '\\x00000020'::bytea || {row}.digest)"
    )


@dataclass(frozen=True)
class LeafSource:
    """Rows that are sealed. All SQL takes $1 = ledger.

    `stored` gives `xid, id, digest` of every row; `recomputed` gives `xid, id, digest, stored, parts` of the rows
    whose id is in `{wanted}`, with the digest taken anew, once (`OFFSET 0` keeps the planner from repeating it).
    Where the rows stand in partitions, `scope` gives the keys
    of those that hold them, and `{scope}` stands for these keys: known when planned, they keep the others out.
    `parts` counts all rows that stand under sealed ones,
    and `strays` names, as text, those that stand under none. `exports` writes the rows out, file by file.
    """

    kind: str
    stored: str
    recomputed: str
    exports: Mapping[str, str]
    scope: str | None = None
    parts: str | None = None
    strays: str | None = None


_UUID = "'\\x00000010'::bytea || uuid_send"
_EVENT_FIELDS = (
    f"{_UUID}(id)",
    f"'\\x00000008'::bytea || int8send({micros('at')})",
    f"{_UUID}(actor_id)",
    f"coalesce({_UUID}(organisation_id), '\\x00000000'::bytea)",
    field("convert_to(action, 'UTF8')"),
    field("convert_to(subject_type, 'UTF8')"),
    f"{_UUID}(subject_id)",
    field("convert_to(facts::text, 'UTF8')"),
)
EVENT_DIGEST = f"sha256({' || '.join(_EVENT_FIELDS)})"
_EVENTS = f"SELECT xid, id, {EVENT_DIGEST} AS digest FROM audit_event WHERE {LEDGER} IS NOT NULL"  # noqa: S608 - constants
EVENTS_TOLD = f"""
SELECT id, xid, {micros("at")} AS at, actor_id, organisation_id, action, subject_type, subject_id, facts::text AS facts
  FROM audit_event
"""  # noqa: S608 - constants
"""Events as their leaves have them: all that takes their digests anew."""
_EXPORT = f"{EVENTS_TOLD} WHERE {LEDGER} IS NOT NULL ORDER BY id"
AUDIT_EVENTS = LeafSource(
    kind="audit",
    stored=_EVENTS,
    recomputed="SELECT xid, id, digest, digest AS stored, 0::bigint AS parts"  # noqa: S608 - constants
    f" FROM ({_EVENTS} AND id = ANY ({{wanted}}) OFFSET 0) AS event",
    exports={"audit_events.csv": _EXPORT},
)
"""Events name no ledger: the log of every market in a database holds them all."""
