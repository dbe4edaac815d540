"""The detectors: each asks its statement with the dated parameters of `detectors.yaml`, and makes findings of the rows."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from datamarket.foundation import money
from datamarket.foundation.clock import start_of_day, year_bounds
from datamarket.foundation.db import Connection
from datamarket.foundation.documents.dated import DatedValue, read_dated, read_days, value_on
from datamarket.subsidy.integrity import rings
from datamarket.subsidy.integrity.statements import (
    BURST,
    CLAIMED_TWICE,
    MISMATCH,
    PINGPONG,
    RELATED,
    RING,
    SPLIT,
    UNUSED,
)
from datamarket.subsidy.integrity.terms import Detector, Finding, FlaggedItem, FlaggedSales


@dataclass(frozen=True)
class Parameters:
    """What `detectors.yaml` says on a day, and why it says so there."""

    related_days: timedelta
    ring_months: int
    ring_members: int
    ring_likeness: Fraction
    ring_least_fen: int
    pingpong_days: timedelta
    pingpong_times: int
    split_threshold_fen: int
    split_likeness: Fraction
    split_days: timedelta
    split_times: int
    burst_days: timedelta
    burst_refund_days: timedelta
    burst_refunded: Fraction
    burst_share: Fraction
    unused_days: timedelta
    unused_times: int
    unused_share: Fraction
    mismatch_share: Fraction

    def to_json(self) -> dict[str, Any]:
        """As a flag keeps them: days, counts, fen, and shares as fractions."""
        return {
            name: value.days
            if isinstance(value, timedelta)
            else str(value)
            if isinstance(value, Fraction)
            else value
            for name, value in asdict(self).items()
        }


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    message = f"not a whole number above zero: {value}"
    raise ValueError(message)


_READERS: Mapping[Any, Callable[[Any], Any]] = {timedelta: read_days, int: _count, Fraction: money.parse_rate}


@cache
def _stated() -> Mapping[str, tuple[DatedValue[Any], ...]]:
    content = (resources.files("datamarket.subsidy.integrity") / "detectors.yaml").read_bytes()
    readers = {field.name: _READERS[field.type] for field in fields(Parameters)}
    return read_dated("subsidy/integrity/detectors.yaml", content, readers)


def parameters_on(day: date) -> Parameters:
    """The values in force. Raises LookupError on a day before the first that the file knows."""
    found: dict[str, Any] = {name: value_on(values, day) for name, values in _stated().items()}
    if None in found.values():
        message = f"no parameters of detectors on {day}"
        raise LookupError(message)
    return Parameters(**found)


class Found(NamedTuple):
    """All findings of a year, and the detectors that did not come to their end."""

    findings: list[Finding]
    cut_short: list[Detector]


async def find(
    connection: Connection, ledger_id: int, year: int, rules: Parameters, *, as_of: datetime
) -> Found:
    """Ask every detector, one statement each; what lies between the same members is one finding."""
    begin, end = year_bounds(year)
    findings: list[Finding] = []
    for statement, arguments in (
        (RELATED, (rules.related_days,)),
        (PINGPONG, (rules.pingpong_days, rules.pingpong_times)),
        (SPLIT, (rules.split_days, _least_part(rules), rules.split_threshold_fen, rules.split_times)),
        (
            BURST,
            (
                rules.burst_days,
                rules.burst_refund_days,
                *_ratio(rules.burst_refunded),
                *_ratio(rules.burst_share),
            ),
        ),
        (UNUSED, (rules.unused_days, rules.unused_times, *_ratio(rules.unused_share), as_of)),
    ):
        rows = await connection.fetch(statement.text, ledger_id, begin, end, *arguments)
        findings += _between(statement.detector, rows)
    findings += _claimed_twice(await connection.fetch(CLAIMED_TWICE.text, year))
    findings += _mismatches(await connection.fetch(MISMATCH.text, year, as_of, *_ratio(rules.mismatch_share)))
    windows = (rules.ring_months, rules.ring_least_fen, *_ratio(rules.ring_likeness))
    rows = await connection.fetch(RING.text, ledger_id, begin, end, *windows)
    ringed, whole = rings_in(rows, rules, begin, end)
    return Found(findings + ringed, [] if whole else [Detector.RING])


def _least_part(rules: Parameters) -> int:
    return -(-rules.split_threshold_fen * rules.split_likeness.numerator // rules.split_likeness.denominator)


def _ratio(share: Fraction) -> tuple[int, int]:
    return share.numerator, share.denominator


_JUST_AFTER = timedelta(microseconds=1)


def _sales(row: asyncpg.Record) -> FlaggedSales:
    return FlaggedSales(row["seller"], row["buyer"], row["from_at"], row["to_at"] + _JUST_AFTER)


def _between(detector: Detector, rows: list[asyncpg.Record]) -> list[Finding]:
    """One finding for two parties, whichever of them sells."""
    pairs: defaultdict[tuple[UUID, ...], list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        pairs[tuple(sorted((row["seller"], row["buyer"])))].append(row)
    return [
        Finding(
            detector,
            members,
            tuple(sorted(map(_sales, of_pair))),
            {"trades": sum(row["trades"] for row in of_pair)},
        )
        for members, of_pair in sorted(pairs.items())
    ]


def _claimed_twice(rows: list[asyncpg.Record]) -> list[Finding]:
    """One finding for two applications, or within one, whatever they share: the first claim beside each later one."""
    shared: defaultdict[tuple[UUID, UUID], list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        shared[row["first_application"], row["application_id"]].append(row)
    return [
        Finding(
            Detector.CLAIMED_TWICE,
            tuple(sorted({of_two[0]["first_enterprise"], of_two[0]["enterprise_id"]})),
            (),
            {"items": len(of_two)},
            tuple(item for row in of_two for item in _both(row)),
        )
        for _, of_two in sorted(shared.items())
    ]


def _both(row: asyncpg.Record) -> tuple[FlaggedItem, FlaggedItem]:
    first = (row["first_case"], row["first_application"], row["first_enterprise"], row["first_item"])
    later = (row["case_id"], row["application_id"], row["enterprise_id"], row["id"])
    return (
        FlaggedItem(*first, row["first_kind"], row["first_number"], row["same"], 0),
        FlaggedItem(*later, row["kind"], row["number"], row["same"], row["amount_fen"]),
    )


_AGREEING = ("declared_fen", "shown_fen", "verified_fen", "unpaid_fen", "deliveries", "delivered")


def _mismatches(rows: list[asyncpg.Record]) -> list[Finding]:
    """One finding an application; what nothing supports of its investment is taken off."""
    return [
        Finding(
            Detector.MISMATCH,
            (row["enterprise_id"],),
            (),
            {name: row[name] for name in _AGREEING},
            (
                FlaggedItem(
                    row["case_id"],
                    row["application_id"],
                    row["enterprise_id"],
                    None,
                    None,
                    None,
                    None,
                    row["fen"],
                ),
            ),
        )
        for row in rows
    ]


def _months_after(first: date, months: int) -> date:
    """The first day of a month, so many months after another."""
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)


def rings_in(
    rows: list[asyncpg.Record], rules: Parameters, begin: datetime, end: datetime
) -> tuple[list[Finding], bool]:
    """One finding a ring, with the sales of every window in which it was found."""
    tiles: defaultdict[date, dict[tuple[UUID, UUID], asyncpg.Record]] = defaultdict(dict)
    for row in rows:
        tiles[row["begins"]][row["seller"], row["buyer"]] = row
    sales: defaultdict[tuple[UUID, ...], set[FlaggedSales]] = defaultdict(set)
    smallest: dict[tuple[UUID, ...], int] = {}
    whole = True
    for begins, edges in tiles.items():
        term = (
            max(begin, start_of_day(begins)),
            min(end, start_of_day(_months_after(begins, rules.ring_months))),
        )
        sold = [rings.Sold(seller, buyer, row["fen"]) for (seller, buyer), row in edges.items()]
        search = rings.find_rings(sold, members=rules.ring_members, likeness=rules.ring_likeness)
        whole = whole and search.whole
        for ring in search.rings:
            of_ring = [edges[edge] for edge in rings.edges_of(ring)]
            sales[ring].update(FlaggedSales(row["seller"], row["buyer"], *term) for row in of_ring)
            smallest[ring] = max(smallest.get(ring, 0), min(row["fen"] for row in of_ring))
    found = [
        Finding(Detector.RING, ring, tuple(sorted(sales[ring])), {"smallest_fen": smallest[ring]})
        for ring in sorted(sales)
    ]
    return found, whole
