"""/statistics: open to everyone."""

import functools
from collections.abc import Iterable
from itertools import zip_longest
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from pydantic import Field

from datamarket.auth.access import Visitor
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import PAGE_LIMIT
from datamarket.foundation.http import ForAMoment, LedgerId, Now, Reading, Shape, SliceRouter
from datamarket.foundation.replicas.lagging import may_lag
from datamarket.foundation.waiting.patience import takes_long
from datamarket.statistics import queries
from datamarket.statistics.terms import NOTHING, Group, Grouping, Turnover, YearBrought

router = SliceRouter(prefix="/statistics", tags=["statistics"])
BusinessYear = Annotated[
    int | None,
    Query(ge=2000, le=2999, description="business year (Asia/Shanghai); none: all time", examples=[2024]),
]


class TurnoverOut(Shape):
    """Money of trades, in fen. `net_fen` is what is left of `gross_fen` after refunds; free trades add nothing."""

    trades: int = Field(description="paid trades", examples=[1204])
    free_trades: int = Field(examples=[31])
    gross_fen: int = Field(examples=[312_450_000])
    refunded_fen: int = Field(description="given back until now", examples=[1_200_000])
    disputed_fen: int = Field(
        description="of open disputes; until their outcome it is in `net_fen`", examples=[48_000]
    )
    net_fen: int = Field(examples=[311_250_000])

    @classmethod
    def of(cls, turnover: Turnover) -> "TurnoverOut":
        return cls(**_money(turnover))


def _money(turnover: Turnover) -> dict[str, int]:
    return turnover._asdict() | {"net_fen": turnover.net_fen}


class YearOut(TurnoverOut):
    """What one business year brought."""

    year: int = Field(examples=[2024])
    growth_bps: int | None = Field(
        description="of `net_fen` against the year before, in basis points; null while the year runs, and without one before",
        examples=[1250],
    )
    treasury_fen: int = Field(
        description="non-tax revenue booked in the year, less what refunds took back", examples=[9_120_000]
    )
    awarded_fen: int = Field(description="of public lists of the year's awards", examples=[187_162_227])
    awarded_enterprises: int = Field(examples=[35])

    @classmethod
    def of_years(cls, years: list[YearBrought], this_year: int) -> "list[YearOut]":
        return [
            cls(growth_bps=year.growth_bps(before, this_year), **_money(year.turnover), **_brought(year))
            for year, before in zip_longest(years, years[1:])
        ]


def _brought(year: YearBrought) -> dict[str, int]:
    return {name: value for name, value in year._asdict().items() if name != "turnover"}


class OverviewOut(Shape):
    """What there is in the market now, and what has been traded: ever, and by business year, newest first."""

    open_zones: int = Field(examples=[8])
    registered_records: int = Field(
        description="of resources whose registration is valid today, about", examples=[4_965_890_000]
    )
    admitted_enterprises: int = Field(examples=[118])
    data_merchants: int = Field(description="admitted holders of a certificate good today", examples=[92])
    operation_products: int = Field(description="approved, made of public data in a zone", examples=[99])
    exchange_products: int = Field(description="approved, made of the maker's own data", examples=[384])
    published_listings: int = Field(examples=[471])
    active_contracts: int = Field(examples=[260])
    treasury_income_fen: int = Field(description="non-tax revenue booked until now", examples=[9_120_000])
    turnover: TurnoverOut
    years: list[YearOut]


class GroupOut(TurnoverOut):
    """Turnover of one zone, venue, category or month; own data stands under the zone null."""

    key: str | None = Field(description="code, category word, or yyyy-mm", examples=["Z-OCEAN"])
    id: UUID | None = Field(description="of a zone or a venue")
    name_zh: str = Field(examples=["海洋专区"])
    name_en: str = Field(examples=["Ocean zone"])

    @classmethod
    def of_group(cls, group: Group) -> "GroupOut":
        zh, en = group.names
        return cls(key=group.key, id=group.id, name_zh=zh, name_en=en, **_money(group.turnover))


class TurnoverTableOut(Shape):
    """Largest net turnover first, months newest first; the items add up to `total`."""

    by: Grouping
    year: int | None
    total: TurnoverOut
    items: list[GroupOut]


class RankedOut(TurnoverOut):
    """An enterprise's place among the sellers; equals share a rank, and the next is left out (1, 2, 2, 4)."""

    rank: int = Field(examples=[1])
    id: UUID
    uscc: str = Field(examples=["91370200QD0A1B2C3X"])
    name_zh: str
    name_en: str

    @classmethod
    def of_ranked(cls, ranked: queries.Ranked) -> "RankedOut":
        who = ranked._asdict()
        return cls(**_money(who.pop("turnover")), **who)


class LeagueTableOut(Shape):
    """All venues and all trades, as the public sees them; the subsidy is awarded on a base of its own."""

    year: int | None
    items: list[RankedOut]


def _total(parts: Iterable[Turnover]) -> Turnover:
    return functools.reduce(Turnover.plus, parts, NOTHING)


@router.get("/overview", summary="The market in figures", response_model=OverviewOut)
@may_lag
@takes_long
async def overview(_caller: Visitor, ledger_id: LedgerId, session: Reading, now: Now) -> Response:
    counts = await queries.count_market(session, ledger_id, now=now)
    years = await queries.years_brought(session, ledger_id)
    shown = OverviewOut(
        **counts._asdict(),
        turnover=TurnoverOut.of(_total(year.turnover for year in years)),
        years=YearOut.of_years(years, business_date(now).year),
    )
    return ForAMoment.of(shown)


@router.get(
    "/turnover",
    summary="Turnover by zone, venue, category or month",
    response_model=TurnoverTableOut,
)
@may_lag
@takes_long
async def turnover(
    _caller: Visitor, ledger_id: LedgerId, session: Reading, by: Grouping, year: BusinessYear = None
) -> Response:
    """A trade counts in the year in which it occurred, and its refunds lower that same year."""
    groups = await queries.turnover(session, ledger_id, by=by, year=year)
    shown = TurnoverTableOut(
        by=by,
        year=year,
        total=TurnoverOut.of(_total(group.turnover for group in groups)),
        items=[GroupOut.of_group(group) for group in groups],
    )
    return ForAMoment.of(shown)


@router.get("/league-table", summary="Enterprises by net turnover", response_model=LeagueTableOut)
@may_lag
@takes_long
async def league_table(
    _caller: Visitor,
    ledger_id: LedgerId,
    session: Reading,
    year: BusinessYear = None,
    limit: Annotated[
        int, Query(ge=1, le=PAGE_LIMIT, description="the last rank shown, with all who share it")
    ] = 10,
) -> Response:
    """Who has sold nothing that was not refunded has no rank."""
    ranked = await queries.league_table(session, ledger_id, year=year, ranks=limit)
    return ForAMoment.of(LeagueTableOut(year=year, items=[RankedOut.of_ranked(row) for row in ranked]))
