"""Reading what a contract's text is made of."""

from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.products import queries as products
from datamarket.catalogue.terms import Category
from datamarket.contracts.tables import Contract, ContractOffer
from datamarket.contracts.terms import TERMS
from datamarket.contracts.text.wording import ContractSide, WrittenContract
from datamarket.foundation.db import one_row
from datamarket.participants import queries as participants


async def get_version(session: AsyncSession, contract_id: UUID, number: int) -> ContractOffer:
    """One version of the terms; who may see the contract may see it. Raises NotFound."""
    wanted = select(ContractOffer).where(
        ContractOffer.contract_id == contract_id, ContractOffer.number == number
    )
    return await one_row(session, wanted, "offer")


async def written(session: AsyncSession, contract: Contract, version: ContractOffer) -> WrittenContract:
    """The contract under this version of its terms."""
    ids = filter(None, (contract.provider_id, contract.buyer_id, contract.operator_id))
    named = {
        key: ContractSide(found.name_zh, found.uscc)
        for key, found in (await participants.participants_by_ids(session, ids)).items()
    }
    product = await products.get_named(session, contract.product_id)
    return WrittenContract(
        id=contract.id,
        number=version.number,
        provider=named[contract.provider_id],
        buyer=named[contract.buyer_id],
        operator=named[contract.operator_id] if contract.operator_id else None,
        product_name=product.name_zh,
        product_code=product.code,
        product_version=contract.product_version,
        category=Category(contract.category),
        venue_id=contract.venue_id,
        venue_fee_bps=contract.venue_fee_bps,
        zone_id=contract.zone_id,
        redevelopment=contract.redevelopment,
        terms={name: getattr(version, name) for name in TERMS},
    )
