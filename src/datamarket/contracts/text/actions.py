"""Signing the text of a contract."""

from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.contracts.tables import Contract, ContractOffer
from datamarket.contracts.terms import Party
from datamarket.contracts.text.queries import written
from datamarket.contracts.text.wording import digest_of, text_of


async def sign_text(
    session: AsyncSession, contract: Contract, version: ContractOffer, party: Party
) -> dict[str, Any]:
    """This side signs the text of this version: its digest is kept beside it. Gives what the audit event tells of it."""
    digest = digest_of(text_of(await written(session, contract, version)))
    if party is Party.PROVIDER:
        version.provider_digest = digest
    else:
        version.buyer_digest = digest
    return {"number": version.number, "digest": digest}
