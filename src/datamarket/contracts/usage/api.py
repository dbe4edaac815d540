"""/contracts/{id}/uses/by-month"""

from uuid import UUID

from pydantic import Field

from datamarket.auth.access import ReadMarket
from datamarket.contracts import queries as contracts
from datamarket.contracts.usage import queries
from datamarket.foundation.db import driver
from datamarket.foundation.http import Reading, Shape, SliceRouter
from datamarket.foundation.shapes import RowShape

router = SliceRouter(prefix="/contracts", tags=["contracts"])


class UsedMonthOut(RowShape):
    """What was metered in one month of the market's time."""

    period: int = Field(examples=[202406])
    uses: int
    quantity: int


class UsageOut(Shape):
    """What the quota has left, and the months in which something was used, oldest first."""

    contract_id: UUID
    quota: int | None
    used: int
    reserved: int = Field(description="units that open orders keep")
    counted_uses: int = Field(description=f"the newest {queries.MOST_USES:,} at most")
    months: list[UsedMonthOut]


@router.get("/{contract_id}/uses/by-month", summary="Metered uses by month, oldest first")
async def uses_by_month(actor: ReadMarket, session: Reading, contract_id: UUID) -> UsageOut:
    """Beside what the quota has left; a contract that was never active has used nothing."""
    contract = await contracts.get_contract(session, contract_id, visible_to=actor)
    connection = await driver(session)
    months = await queries.uses_by_month(connection, contract_id)
    meter = (await contracts.meters(connection, [contract_id])).get(contract_id)
    return UsageOut(
        contract_id=contract_id,
        quota=meter.authorisation.quota if meter else contract.quota,
        used=meter.authorisation.used if meter else 0,
        reserved=meter.authorisation.reserved if meter else 0,
        counted_uses=sum(month.uses for month in months),
        months=[UsedMonthOut.of(month) for month in months],
    )
