"""By its digest, what officers were answered: one more event for each write of a few a year, and for none of the others."""

from hashlib import sha256
from uuid import UUID

from fastapi import Request

from datamarket.auth.terms import Actor
from datamarket.evidence.actions import Event, record_many
from datamarket.foundation.db import Connection
from datamarket.foundation.http import API_PREFIX, read_now
from datamarket.foundation.idempotency import Answer, Claim

TOLD = f"{API_PREFIX}/subsidy/"


async def tell_answer(request: Request, connection: Connection, claim: Claim, answer: Answer) -> None:
    """What is stored under the key of a subsidy's write: I19 holds it to this event."""
    if not request.scope["path"].startswith(TOLD):
        return
    kept = {"fingerprint": claim.fingerprint.hex(), "status": answer.status, "etag": answer.etag}
    kept["body"] = sha256(answer.body).hexdigest()
    rows = {"idempotency_key": {f"{claim.ledger_id}/{claim.caller}/{claim.key}": kept}}
    caller = Actor(UUID(claim.caller), None, frozenset())
    event = Event(caller, caller.account_id, {"rows": rows})
    await record_many(connection, "evidence.answer", "answer", [event], now=await read_now(request))
