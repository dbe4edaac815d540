"""The clauses of the annex as a request writes them: each optional here, what a kind needs is a rule."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from datamarket.contracts.kinds.rules import WHOLE_BPS
from datamarket.contracts.kinds.terms import DataRight, DeliveryMode, ResultsCourse
from datamarket.contracts.limits.shapes import LimitsIn
from datamarket.foundation.http import Body, BoolIn, FenIn, ShortText
from datamarket.zones.terms import Level

SLOWEST_ANSWER = 3_600_000
"""An hour, in milliseconds: what takes longer is a delivery, no answer."""
ClauseDays = Annotated[int, Field(strict=True, ge=0, le=36_500)]
"""At most a hundred years, as `retention_days`."""
Share = Annotated[int, Field(strict=True, ge=0, le=10_000, description="basis points: 100 = 1 %")]


def _whole(shares: list[int]) -> list[int]:
    if sum(shares) != WHOLE_BPS:
        message = "the shares must add up to 10000 basis points"
        raise ValueError(message)
    return shares


class RightClauseIn(Body):
    """One right that the buyer gets, how far, and what restricts it."""

    right: DataRight = Field(examples=["using"])
    scope: ShortText = Field(examples=["本企业内部风控建模"])
    restrictions: ShortText | None = Field(default=None, examples=["不得还原个人信息"])


class QualityClauseIn(Body):
    """The quality annex, after GF-2025-2615."""

    format_error_bps: Share | None = Field(default=None, description="at most")
    completeness_bps: Share | None = Field(default=None, description="at least")
    availability_bps: Share | None = Field(default=None, description="at least")
    response_ms: Annotated[int, Field(strict=True, ge=1, le=SLOWEST_ANSWER)] | None = None
    warranty_days: ClauseDays | None = None
    repair_days: ClauseDays | None = None


class ProcessingClauseIn(Body):
    """What commissioned processing costs, and what becomes of its results."""

    fee_fen: FenIn
    results: ResultsCourse


class JointClauseIn(Body):
    """How the income of a joint development, less its costs, is divided; the two make 10,000."""

    provider_bps: Share
    buyer_bps: Share


class IntermediaryClauseIn(Body):
    """The intermediary's fee: a share of the contract's price, or fixed, or with neither none."""

    fee_bps: Share | None = None
    fee_fen: FenIn | None = None
    owed_if_bypassed: BoolIn = False


class AnnexIn(LimitsIn):
    """Clauses beside the terms, after the model contracts GF-2025-2615 to 2618, and limits that every use is held to.

    Which are needed depends on the kind of contract.
    """

    territory: ShortText | None = Field(default=None, examples=["370200"])
    recipients: list[ShortText] = Field(default_factory=list, max_length=20)
    permitted_form: ShortText | None = Field(default=None, examples=["模型结果，不出域"])
    security_environment: ShortText | None = None
    acceptance_days: Annotated[int, Field(strict=True, ge=0, le=365)] | None = None
    retention_days: Annotated[int, Field(strict=True, ge=0, le=36500)] | None = None
    notice_days: Annotated[int, Field(strict=True, ge=0, le=365)] = 0
    dispute_forum: ShortText | None = None
    rights: Annotated[list[RightClauseIn], Field(min_length=1, max_length=3)] | None = None
    onward_transfer: BoolIn | None = Field(
        default=None, description="false: a use has to say that it is none"
    )
    security_level: Level | None = None
    delivery_mode: DeliveryMode | None = None
    tax_bps: Share | None = None
    tax_included: BoolIn | None = None
    cure_days: Annotated[int, Field(strict=True, ge=0, le=90)] | None = None
    hidden_defect: BoolIn | None = Field(
        default=None, description="only use shows a defect, so a use before acceptance accepts nothing"
    )
    instalments: Annotated[list[Share], Field(min_length=3, max_length=3), AfterValidator(_whole)] | None = (
        Field(
            default=None,
            description="basis points of an order's amount at placement, on delivery, on acceptance; one-off prices only",
            examples=[[3000, 3000, 4000]],
        )
    )
    price_cut: BoolIn | None = None
    quality: QualityClauseIn | None = None
    audit_right: BoolIn | None = None
    processing: ProcessingClauseIn | None = None
    joint_development: JointClauseIn | None = None
    intermediary: IntermediaryClauseIn | None = None

    def clauses(self) -> dict[str, Any]:
        """What is written down: only what was said."""
        return self.model_dump(mode="json", exclude_defaults=True)
