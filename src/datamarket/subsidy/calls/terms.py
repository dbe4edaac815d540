"""Words of an application, and what it declares."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from datamarket.foundation.states import Labelled


class ApplicationState(Labelled):
    """Begun by the enterprise as a draft, or by the market as a proposal."""

    DRAFT = "draft", "草稿", "draft"
    SUBMITTED = "submitted", "已提交", "submitted"
    RETURNED = "returned", "已退回补正", "returned for changes"
    DISTRICT_PASSED = "district_passed", "区市已通过", "passed by the district"
    VERIFIED = "verified", "已核定", "verified"
    REJECTED = "rejected", "不予通过", "rejected"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"
    PROPOSED = "proposed", "免申即享，待确认", "proposed, to be confirmed"
    CONFIRMED = "confirmed", "已确认", "confirmed"


class ApplicationEvent(StrEnum):
    """`propose` is the market's own: nobody else causes it."""

    PROPOSE = "propose"
    SUBMIT = "submit"
    RETURN = "return"
    ENDORSE = "endorse"
    VERIFY = "verify"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    CONFIRM = "confirm"


class DeclaredKind(Labelled):
    """What shows a cost of the project."""

    INVOICE = "invoice", "发票", "invoice"
    CONTRACT = "contract", "项目合同", "project contract"


@dataclass(frozen=True)
class Declared:
    """One invoice or project contract; of a contract of this market its id, and how often it is said to have delivered."""

    kind: DeclaredKind
    number: str
    seller_uscc: str
    amount_fen: int
    issued_on: date
    purpose: str
    paper_id: UUID
    invoice_code: str | None = None
    contract_id: UUID | None = None
    deliveries: int | None = None


class Declaration(NamedTuple):
    """What an application claims: the project's investment, and what shows it."""

    investment_fen: int
    items: Sequence[Declared]
