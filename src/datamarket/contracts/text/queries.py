"""Reading what a contract's text is made of."""

from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.catalogue.terms import Category
from datamarket.contracts.tables import Contract, ContractOffer
from datamarket.contracts.terms import TERMS
from datamarket.contracts.text.wording import ContractSide, WrittenContract
from datamarket.foundation.db import driver, one_row


async def get_version(session: AsyncSession, contract_id: UUID, number: int) -> ContractOffer:
    """One version of the terms; who may see the contract may see it. Raises NotFound."""
    wanted = select(ContractOffer).where(
        ContractOffer.contract_id == contract_id, ContractOffer.number == number
    )
    return await one_row(session, wanted, "offer")


_NAMED = """
SELECT p.name_zh AS provider, p.uscc AS provider_uscc, b.name_zh AS buyer, b.uscc AS buyer_uscc, o.name_zh AS operator,
       o.uscc AS operator_uscc, d.name_zh AS product, d.code
  FROM contract c JOIN participant p ON p.id = c.provider_id JOIN participant b ON b.id = c.buyer_id
  JOIN product d ON d.id = c.product_id LEFT JOIN participant o ON o.id = c.operator_id
 WHERE c.id = $1
"""
"""Names and codes stay: of participants once admitted, of products once a version was submitted."""


async def written(session: AsyncSession, contract: Contract, version: ContractOffer) -> WrittenContract:
    """The contract under this version of its terms."""
    [named] = await (await driver(session)).fetch(_NAMED, contract.id)
    return WrittenContract(
        id=contract.id,
        number=version.number,
        provider=ContractSide(named["provider"], named["provider_uscc"]),
        buyer=ContractSide(named["buyer"], named["buyer_uscc"]),
        operator=ContractSide(named["operator"], named["operator_uscc"]) if contract.operator_id else None,
        product_name=named["product"],
        product_code=named["code"],
        product_version=contract.product_version,
        category=Category(contract.category),
        venue_id=contract.venue_id,
        venue_fee_bps=contract.venue_fee_bps,
        zone_id=contract.zone_id,
        redevelopment=contract.redevelopment,
        terms={name: getattr(version, name) for name in TERMS},
    )
