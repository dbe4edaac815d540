"""What an invariant was last found to be: a row an invariant, whoever ran it."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from datamarket.foundation.tables import ARRAY, BigInteger, Text, instant


class CheckRun(SQLModel, table=True):
    """It held where nothing breaches it."""

    __tablename__ = "check_run"
    ledger_id: int = Field(primary_key=True)
    check_id: str = Field(primary_key=True)
    ran_at: datetime = instant()
    seen: int = Field(sa_type=BigInteger)
    breaches: list[str] = Field(sa_type=ARRAY(Text))
