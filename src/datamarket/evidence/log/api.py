"""/evidence: the sealed log, open to everyone. A proof shows digests only: nothing of what a row says."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import Field

from datamarket.auth.access import Visitor
from datamarket.evidence.log import proofs
from datamarket.evidence.log.attesting import Attestation, attest
from datamarket.evidence.log.sealing import Sealer
from datamarket.foundation.db import driver
from datamarket.foundation.http import (
    NO_NUL,
    Body,
    Page,
    Paging,
    Reading,
    Shape,
    SliceRouter,
    page_of,
)
from datamarket.foundation.replicas.lagging import may_lag
from datamarket.foundation.shapes import RowShape

router = SliceRouter(prefix="/evidence", tags=["evidence"])
MOST = 2**63 - 1
MOST_TEXT = 2**18
Size = Annotated[int, Query(ge=1, le=MOST, description="the size of a checkpoint", examples=[1204])]
_ROOT = "SAjRBiwOTyV2hX7B0gH1IZMFS5aBSR5wZZdE2tRQCnE="
_STAMP = "3q2+7x5bA1c3a1b8bqP5TzYrjAVvfBA3B7E3nB0sXnq5r8m6Y0qOqkP0yT8KkBz1uX0C8dX2Bz7yBqCk0mJ2Q1aWAgA="
_NOTE = f"datamarket/370200\n1204\n{_ROOT}\nblock {_ROOT}\n\n— datamarket/370200 {_STAMP}\n"
_ID = "018fdc6e-0c00-7000-8000-000000000001"
_DIGEST = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea"


async def sealer_of(request: Request) -> Sealer:
    sealer: Sealer = request.app.state.sealer
    return sealer


SealedLog = Annotated[Sealer, Depends(sealer_of)]


class CheckpointOut(RowShape):
    """The tree of the first `size` leaves; `note` is the signed text, byte for byte."""

    size: int = Field(examples=[1204])
    leaves: int = Field(description="how many this pass added", examples=[18])
    root: str = Field(description="base64", examples=[_ROOT])
    sealed_at: datetime
    note: str = Field(description="C2SP signed note, Ed25519", examples=[_NOTE])

    @classmethod
    def of(cls, row: proofs.SealedCheckpoint, **derived: Any) -> Self:
        return super().of(row, root=_base64(row.root), **derived)


class LeafOut(Shape):
    """What a leaf is made of, each field behind its length in four bytes."""

    kind: Literal["entry", "audit"]
    ledger_id: int = Field(examples=[370200])
    id: UUID = Field(examples=[_ID])
    xid: int = Field(description="the transaction that wrote the row", examples=[90_417])
    digest: str = Field(description="SHA-256 over the row, hexadecimal", examples=[_DIGEST])


class InclusionOut(Shape):
    """That the leaf is in the tree which the checkpoint signs; `path` from the leaf upwards, base64."""

    index: int = Field(examples=[817])
    leaf: LeafOut
    path: list[str] = Field(examples=[[_ROOT]])
    checkpoint: str = Field(examples=[_NOTE])

    @classmethod
    def of(cls, proof: proofs.Inclusion, ledger_id: int) -> "InclusionOut":
        leaf = {"kind": proof.kind, "ledger_id": ledger_id, "id": proof.id, "xid": proof.xid}
        return cls(
            index=proof.index,
            leaf=LeafOut.model_validate(leaf | {"digest": proof.digest.hex()}),
            path=[_base64(step) for step in proof.path],
            checkpoint=proof.checkpoint.note,
        )


class ConsistencyOut(Shape):
    """That the newer tree begins with the older one: nothing was taken out or changed between them."""

    old_checkpoint: str = Field(examples=[_NOTE])
    new_checkpoint: str = Field(examples=[_NOTE])
    path: list[str] = Field(examples=[[_ROOT]])


class AttestedIn(Body):
    """A certificate or proof as the API answers it, or a signed note."""

    document: Annotated[str, Field(min_length=1, max_length=MOST_TEXT, pattern=NO_NUL, examples=[_NOTE])]


class CheckedOut(RowShape):
    """One thing that was looked at."""

    what: Attestation
    what_zh: str
    what_en: str
    holds: bool
    found: str = Field(description="size, row or place that was looked at; of a false one, where it differs")


class AttestedOut(Shape):
    """What a document proves: all of it, or not."""

    holds: bool
    checks: list[CheckedOut]


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


@router.get("/checkpoints", summary="Signed checkpoints, newest first")
@may_lag
async def list_checkpoints(
    _caller: Visitor, session: Reading, log: SealedLog, paging: Paging[int]
) -> Page[CheckpointOut]:
    rows = await proofs.list_checkpoints(await driver(session), log.ledger_id, page=paging)
    return page_of(rows, paging, CheckpointOut.of, lambda row: [row.size])


@router.get("/checkpoints/latest", summary="The newest checkpoint", responses={404: {}})
@may_lag
async def latest_checkpoint(_caller: Visitor, session: Reading, log: SealedLog) -> CheckpointOut:
    return CheckpointOut.of(await proofs.get_checkpoint(await driver(session), log.ledger_id, None))


@router.get(
    "/checkpoints/latest/note",
    summary="The newest checkpoint as a signed note",
    response_class=PlainTextResponse,
    responses={404: {}},
)
@may_lag
async def latest_note(_caller: Visitor, session: Reading, log: SealedLog) -> str:
    """The text to keep elsewhere: who has it will notice when the past is rewritten."""
    return (await proofs.get_checkpoint(await driver(session), log.ledger_id, None)).note


@router.get("/key", summary="The key that verifies checkpoints", response_class=PlainTextResponse)
async def verifier_key(_caller: Visitor, log: SealedLog) -> str:
    """One line, C2SP: name, key id, Ed25519 key. Fetch it once, and keep it."""
    return f"{log.notary.reader.line}\n"


@router.get(
    "/proofs/{row_id}", summary="Proof that an entry or an audit event is sealed", responses={409: {}}
)
@may_lag
async def prove_inclusion(
    _caller: Visitor, session: Reading, log: SealedLog, row_id: UUID, size: Size | None = None
) -> InclusionOut:
    """In the newest checkpoint, or in the one of `size`; `tools/verify_evidence.py proof` checks it offline."""
    proof = await proofs.prove_inclusion(await driver(session), log.ledger_id, log.sources, row_id, size)
    return InclusionOut.of(proof, log.ledger_id)


@router.get("/consistency", summary="Proof that a later log begins with an earlier one", responses={404: {}})
@may_lag
async def prove_consistency(
    _caller: Visitor,
    session: Reading,
    log: SealedLog,
    old: Annotated[int, Query(alias="from", ge=1, le=MOST, description="size of the older checkpoint")],
    new: Annotated[int, Query(alias="to", ge=1, le=MOST, description="size of the newer checkpoint")],
) -> ConsistencyOut:
    first, second, path = await proofs.prove_consistency(await driver(session), log.ledger_id, old, new)
    return ConsistencyOut(
        old_checkpoint=first.note, new_checkpoint=second.note, path=[_base64(step) for step in path]
    )


@router.post("/verify", summary="What a certificate, proof or note proves")
async def verify_document(_caller: Visitor, log: SealedLog, body: AttestedIn) -> AttestedOut:
    """Checked against the market's key; nothing is kept of what was sent. `tools/verify_evidence.py` does it offline.

    Raises DocumentUnknown.
    """
    checks = attest(body.document, log.notary.reader)
    return AttestedOut(holds=all(one.holds for one in checks), checks=[CheckedOut.of(one) for one in checks])
