"""How many there are of what is counted often: kept by triggers, in parts that add up."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import BigInteger


class MarketTally(SQLModel, table=True):
    """The sum of the parts of a kind counts; one part alone may be below zero."""

    __tablename__ = "market_tally"
    kind: str = Field(primary_key=True)
    part: UUID = Field(primary_key=True)
    many: int = Field(sa_type=BigInteger)
