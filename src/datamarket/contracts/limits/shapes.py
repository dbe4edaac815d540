"""Limits as an annex says them, and operands as a use does."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from datamarket.catalogue.products.terms import DeliveryForm
from datamarket.contracts.limits.terms import UNSAID, Operands, RatePeriod
from datamarket.foundation.http import Body, BoolIn, QuantityIn

Division = Annotated[str, Field(pattern="^[1-9][0-9]{5}$", description="GB/T 2260", examples=["370200"])]


class RateIn(Body):
    """So many units in each hour of the clock, or day of the market."""

    units: QuantityIn
    per: RatePeriod


class LimitsIn(Body):
    """What every use is held to; one that does not say what a limit asks for is denied."""

    forms: list[DeliveryForm] | None = Field(default=None, min_length=1, max_length=4, examples=[["model"]])
    territories: list[Division] | None = Field(
        default=None, min_length=1, max_length=100, description="a city's code holds its districts"
    )
    recipient_ids: list[UUID] | None = Field(
        default=None, min_length=1, max_length=100, description="organisations that may receive"
    )
    rate: RateIn | None = None


class OperandsIn(Body):
    """What a use says of itself; a contract without limits asks for none of it."""

    form: DeliveryForm | None = None
    territory: Division | None = None
    recipient: UUID | None = Field(default=None, description="the organisation that receives")
    onward: BoolIn | None = Field(default=None, description="whether it is handed on")

    @property
    def operands(self) -> Operands:
        if self.form is None and self.territory is None and self.recipient is None and self.onward is None:
            return UNSAID
        return Operands(self.form, self.territory, self.recipient, self.onward)
