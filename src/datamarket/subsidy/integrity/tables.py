"""Rows of integrity flags: one for each finding of a detector."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, Uuid
from sqlmodel import Field, SQLModel

from datamarket.foundation.errors import MarketError
from datamarket.foundation.tables import ARRAY, JSONB, BigInteger, instant, one_of
from datamarket.subsidy.integrity.rules import OwnFlag
from datamarket.subsidy.integrity.terms import Detector, FlagState


class IntegrityFlag(SQLModel, table=True):
    """What was found, by which text and parameters, and what a person made of it.

    `sales` are [{provider_id, buyer_id, from_at, to_at}], half-open; `amount_fen` is what was left of them after refunds
    when it was raised, or what its `claimed_items` (`FlaggedItem`) take off. `evidence_sha256` is over members and these: a finding
    that has grown is another flag. `TOLD` is what a base and a judgement stand on (I19).
    """

    TOLD: ClassVar = {
        "detector",
        "members",
        "sales",
        "claimed_items",
        "evidence_sha256",
        "amount_fen",
        "state",
        "raised_by",
        "judged_by",
        "reason",
        "version",
    }

    __tablename__ = "integrity_flag"
    __table_args__ = (
        one_of("detector", Detector, "integrity_flag"),
        one_of("state", FlagState, "integrity_flag"),
        CheckConstraint("judged_by <> raised_by", name="integrity_flag_other_judges"),
        CheckConstraint(
            "state NOT IN ('confirmed', 'dismissed')"
            " OR (judged_by IS NOT NULL AND judged_at IS NOT NULL AND reason IS NOT NULL)",
            name="integrity_flag_judged_check",
        ),
        UniqueConstraint(
            "ledger_id", "year", "detector", "evidence_sha256", name="integrity_flag_evidence_key"
        ),
        Index("integrity_flag_year_idx", "ledger_id", "year", "id"),
        Index("integrity_flag_members_idx", "members", postgresql_using="gin"),
    )
    id: UUID = Field(primary_key=True)
    ledger_id: int
    year: int
    detector: str
    detector_version: int
    statement_sha256: str
    parameters: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    members: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    sales: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    figures: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    evidence_sha256: str
    trades: int
    amount_fen: int = Field(sa_type=BigInteger)
    state: str = FlagState.RAISED
    raised_by: UUID
    raised_at: datetime = instant()
    judged_by: UUID | None = None
    judged_at: datetime | None = instant(nullable=True)
    reason: str | None = None
    version: int = 1
    claimed_items: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))


ERRORS: dict[str, type[MarketError]] = {"integrity_flag_other_judges": OwnFlag}
