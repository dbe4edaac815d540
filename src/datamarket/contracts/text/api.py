"""/contracts/{id}/text, and who signed it: what verifies a contract offline."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import Query, Response
from pydantic import Field

from datamarket.auth.access import ReadMarket
from datamarket.contracts import queries as contracts
from datamarket.contracts.terms import ContractEvent, Party
from datamarket.contracts.text import queries
from datamarket.contracts.text.wording import digest_of, text_of
from datamarket.evidence import queries as evidence
from datamarket.foundation.db import driver
from datamarket.foundation.http import Page, Paging, Reading, Shape, SliceRouter, page_of
from datamarket.foundation.shapes import RowShape, attached

router = SliceRouter(prefix="/contracts", tags=["contracts"])
PLAIN = "text/plain; charset=utf-8"
SIGNING = [f"contracts.{verb}" for verb in (ContractEvent.SIGN, ContractEvent.AMEND, "sign-amendment")]
"""An amendment is signed by who offers it."""


class SignedEventOut(RowShape):
    """The audit event of a signature, as its leaf in the sealed log has it; /evidence/proofs/{id} proves that it is there."""

    id: UUID
    at: int = Field(description="microseconds since 1970", examples=[1_717_387_200_000_000])
    actor_id: UUID
    organisation_id: UUID | None
    action: str
    subject_type: str
    subject_id: UUID
    facts: str = Field(description="JSON, byte for byte as it is sealed")


class SignatureOut(Shape):
    """That a side signed the text of one version; `tools/verify_evidence.py text` checks it offline."""

    party: Party
    number: int = Field(description="of the version of the terms")
    digest: str = Field(description="SHA-256 of the text, hexadecimal")
    event: SignedEventOut


@router.get(
    "/{contract_id}/text",
    summary="The text that both sign",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_text(
    actor: ReadMarket,
    session: Reading,
    contract_id: UUID,
    version: Annotated[
        int | None, Query(ge=1, le=1_000_000, description="of the terms; else those shown")
    ] = None,
) -> Response:
    """In Chinese, the same bytes each time; the ETag is their SHA-256, which a signature keeps."""
    contract = await contracts.get_contract(session, contract_id, visible_to=actor)
    terms = await queries.get_version(session, contract_id, version or contract.terms_number)
    text = text_of(await queries.written(session, contract, terms))
    return attached(text.encode(), PLAIN, f"{contract_id}-{terms.number}.txt", ETag=f'"{digest_of(text)}"')


@router.get("/{contract_id}/signatures", summary="Who signed which text, oldest first")
async def list_signatures(
    actor: ReadMarket, session: Reading, paging: Paging[UUID], contract_id: UUID
) -> Page[SignatureOut]:
    """Signatures from before texts were signed are not among them."""
    await contracts.get_contract(session, contract_id, visible_to=actor)
    rows = await evidence.list_of_contract(await driver(session), contract_id, SIGNING, page=paging)
    return page_of(rows, paging, _signature, lambda row: [row.id])


def _signature(row: evidence.ToldEvent) -> SignatureOut:
    facts = orjson.loads(row.facts)
    return SignatureOut(
        party=facts["party"], number=facts["number"], digest=facts["digest"], event=SignedEventOut.of(row)
    )
