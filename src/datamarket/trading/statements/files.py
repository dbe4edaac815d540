"""A participant's month as files: CSV, a workbook, and cost and usage in the columns of FOCUS 1.0.

FOCUS, the FinOps Open Cost and Usage Specification (focus.finops.org), is how enterprises read what they pay for
services. Its validator, focus-validator 1.0.0, still asks for five columns of the preview: they are there too.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from datamarket.foundation.clock import start_of_day
from datamarket.foundation.money import Fen, yuan
from datamarket.foundation.spreadsheets.cells import amount, csv_of
from datamarket.ledger.statements.queries import OwnedAccount
from datamarket.ledger.terms import AccountKind, EntryKind
from datamarket.trading.statements.queries import MonthLine

HEADINGS = (
    ("账户", "account"),
    ("记账日", "accounting day"),
    ("业务", "kind"),
    ("分录", "entry"),
    ("成交", "trade"),
    ("使用", "use"),
    ("订单", "order"),
    ("合同", "contract"),
    ("数量", "quantity"),
    ("单价（元）", "unit price (yuan)"),
    ("全额（元）", "gross (yuan)"),
    ("本户发生额（元）", "moved on this account (yuan)"),
)
BALANCES = (
    ("账户", "account"),
    ("期初余额（元）", "opening (yuan)"),
    ("借方（元）", "debit (yuan)"),
    ("贷方（元）", "credit (yuan)"),
    ("期末余额（元）", "closing (yuan)"),
)
_WIDTHS = (34, 16, 16, 38, 38, 38, 38, 38, 10, 14, 14, 18)


def _rows(lines: Sequence[MonthLine]) -> list[tuple[Any, ...]]:
    return [
        (
            " ".join(moved.account_kind.labels),
            moved.day.isoformat(),
            moved.kind,
            str(moved.entry_id),
            *(str(key or "") for key in (of.trade_id, of.use_id, of.order_id, of.contract_id)),
            "" if of.quantity is None else of.quantity,
            amount(of.unit_price_fen),
            amount(of.gross_fen),
            amount(moved.amount_fen),
        )
        for moved, of in lines
    ]


def _balances(accounts: Sequence[OwnedAccount]) -> list[tuple[Any, ...]]:
    return [
        (
            " ".join(one.kind.labels),
            *map(amount, (one.opening_fen, one.debit_fen, one.credit_fen, one.closing_fen)),
        )
        for one in accounts
    ]


def as_csv(lines: Sequence[MonthLine]) -> bytes:
    """The lines; balances are in the workbook and in the answer."""
    return csv_of([f"{zh} {en}" for zh, en in HEADINGS], _rows(lines))


def as_workbook(accounts: Sequence[OwnedAccount], lines: Sequence[MonthLine]) -> bytes:
    """A sheet of the accounts with their balances, and one of the lines."""
    from datamarket.foundation.spreadsheets import workbooks  # noqa: PLC0415 - loads openpyxl only when asked for

    book = workbooks.new_book()
    workbooks.add_sheet(book, "账户 accounts", (38, 18, 18, 18, 18), (BALANCES, _balances(accounts)))
    workbooks.add_sheet(book, "明细 lines", _WIDTHS, (HEADINGS, _rows(lines)))
    return workbooks.packed(book)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _month(period: int) -> tuple[str, str]:
    first = date(period // 100, period % 100, 1)
    return _instant(start_of_day(first)), _instant(start_of_day((first + timedelta(days=31)).replace(day=1)))


def as_focus(buyer_id: UUID, period: int, lines: Sequence[MonthLine], names: Mapping[UUID, str]) -> bytes:
    """What the buyer was charged, a row for each settlement and each refund: their sum is what left its funds for data."""
    begins, ends = _month(period)
    rows = [
        _charge(line, names) | {"BillingPeriodStart": begins, "BillingPeriodEnd": ends}
        for line in lines
        if line.moved.account_kind is AccountKind.BUYER_FUNDS
        and line.of.buyer_id == buyer_id
        and line.moved.kind in {EntryKind.SETTLEMENT, EntryKind.REFUND}
    ]
    return csv_of(FOCUS, [[row.get(column, "") for column in FOCUS] for row in rows])


def _charge(line: MonthLine, names: Mapping[UUID, str]) -> dict[str, Any]:
    """A refund is a credit without a quantity, and corrects what was charged."""
    moved, of = line
    back = moved.kind == EntryKind.REFUND
    cost, quantity = yuan(Fen(-moved.amount_fen)), "" if back else of.quantity
    price = "" if back else yuan(Fen(of.unit_price_fen or 0))
    provider, buyer = (names.get(key, "") if key else "" for key in (of.provider_id, of.buyer_id))
    at = moved.effective_at
    return {
        "BillingAccountId": str(of.buyer_id),
        "BillingAccountName": buyer,
        "BillingCurrency": "CNY",
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ContractedCost", "ListCost"), cost),
        **dict.fromkeys(("ContractedUnitPrice", "ListUnitPrice"), price),
        **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), quantity),
        **dict.fromkeys(("ConsumedUnit", "PricingUnit"), "" if back else "Units"),
        "ChargeCategory": "Credit" if back else "Usage",
        "ChargeType": "Adjustment" if back else "Usage",
        "ChargeClass": "Correction" if back else "",
        "ChargeDescription": f"{moved.kind} {moved.source_id}",
        "ChargeFrequency": "One-Time" if back else "Usage-Based",
        "ChargePeriodStart": _instant(at),
        "ChargePeriodEnd": _instant(at + timedelta(seconds=1)),
        "PricingCategory": "" if back else "Standard",
        **dict.fromkeys(("ProviderName", "PublisherName", "InvoiceIssuerName"), provider),
        **dict.fromkeys(("Provider", "Publisher", "InvoiceIssuer"), provider),
        **dict.fromkeys(("ResourceId", "ResourceID", "SkuId"), str(of.product_id)),
        "SkuPriceId": str(of.contract_id),
        "ServiceCategory": "Other",
        "ServiceName": "Authorised use of data",
        "SubAccountId": str(of.contract_id),
        "x_TradeId": str(of.trade_id),
        "x_EntryId": str(moved.entry_id),
    }


FOCUS = (
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ChargeType",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuer",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "Provider",
    "ProviderName",
    "Publisher",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceID",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
    "x_TradeId",
    "x_EntryId",
)
"""Columns of FOCUS 1.0, what is ours at the end with the prefix that it leaves to providers."""
