"""By its digest, what a caller was answered and its key keeps."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import Event, record_many
from datamarket.foundation.db import Connection
from datamarket.foundation.idempotency import Answer, Claim


async def tell_answer(connection: Connection, claim: Claim, answer: Answer, *, now: datetime) -> None:
    """What is stored under the key of a write: I19 holds it to this event."""
    kept = {"fingerprint": claim.fingerprint.hex(), "status": answer.status, "etag": answer.etag}
    kept["body"] = sha256(answer.body).hexdigest()
    rows = {"idempotency_key": {f"{claim.ledger_id}/{claim.caller}/{claim.key}": kept}}
    caller = Actor(UUID(claim.caller), None, frozenset())
    event = Event(caller, caller.account_id, {"rows": rows})
    await record_many(connection, "evidence.answer", "answer", [event], now=now)
