"""The leaf of an audit event, taken anew from what is told of it: no database is asked."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from datamarket.evidence.log.merkle import leaf_hash


def _packed(*fields: bytes) -> bytes:
    """Each field behind its length, as the database packs them."""
    return b"".join(len(one).to_bytes(4) + one for one in fields)


def leaf_of_event(told: Mapping[str, Any], ledger_id: int) -> bytes:
    """`told` has the fields of `evidence.queries.ToldEvent`. Raises KeyError, TypeError, ValueError, OverflowError."""
    actor, organisation = (
        UUID(told[name]).bytes if told[name] else b"" for name in ("actor_id", "organisation_id")
    )
    row = UUID(told["id"]).bytes
    words = (told["action"].encode(), told["subject_type"].encode())
    rest = (UUID(told["subject_id"]).bytes, told["facts"].encode())
    fields = _packed(row, told["at"].to_bytes(8, signed=True), actor, organisation, *words, *rest)
    digest = hashlib.sha256(fields).digest()
    written = told["xid"].to_bytes(8, signed=True)
    return leaf_hash(_packed(b"audit", ledger_id.to_bytes(4, signed=True), row, written, digest))
