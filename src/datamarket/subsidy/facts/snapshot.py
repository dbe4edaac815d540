"""From the books to a snapshot: the facts of every enterprise and project, under codes, never under ids.

The same books give the same bytes: enterprises stand under their unified social credit code, projects
under their own code, instants in UTC with microseconds.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg

from datamarket.foundation.clock import start_of_day, year_bounds
from datamarket.foundation.db import Connection
from datamarket.participants.terms import ParticipantKind
from datamarket.subsidy.facts import review, statements
from datamarket.subsidy.facts.statements import Window
from datamarket.subsidy.facts.terms import BOUGHT, JOINT, MOST_SELLERS_BY_MONTH, SOLD, TurnoverOrigin
from datamarket.subsidy.scheme.vocabulary import ENTERPRISE_FACTS, OTHER_KIND
from datamarket.subsidy.terms import Candidate, FactValue, Snapshot, Unit, instant_text

DIVISION_DIGITS = 4  # province and city of a GB/T 2260 code
TICK = timedelta(microseconds=1)
"""Instants are kept to the microsecond: what was recorded a tick before the cut-off is the last that counts."""
NOTHING_SOLD: Mapping[str, int] = dict.fromkeys(
    ("trades", "free", "gross", "unqualified", "related", "flagged", "refunds", "contracts"), 0
)


@dataclass(frozen=True)
class TakenSnapshot:
    """A snapshot and what it was taken from: what was recorded by `as_of`, and nothing later."""

    as_of: datetime
    snapshot: Snapshot
    parties: dict[str, dict[str, str]]
    venues: list[dict[str, str | None]]
    related: list[dict[str, str | None]]
    flagged: list[dict[str, Any]]
    rings: list[dict[str, Any]]
    counts: dict[str, int]
    turnover_from: TurnoverOrigin
    facts: dict[str, dict[str, int | str]]


@dataclass(frozen=True)
class RunYear:
    """Which year's facts, until when, for which run."""

    ledger_id: int
    year: int
    cutoff: datetime
    run_id: UUID


def window_of(year: RunYear, as_of: datetime) -> Window:
    """Sales of the year that were made before the cut-off, as known at `as_of` and recorded before the cut-off."""
    start, end = year_bounds(year.year)
    rules = review.review_rules()
    return Window(
        ledger_id=year.ledger_id,
        division=str(year.ledger_id)[:DIVISION_DIGITS],
        year_start=start,
        year_end=end,
        until=min(end, year.cutoff),
        cutoff=year.cutoff,
        as_of=min(as_of, year.cutoff - TICK),
        first_day=date(year.year, 1, 1),
        last_day=date(year.year, 12, 31),
        run_id=year.run_id,
        ring_sellers=rules.ring_sellers,
        ring_part=rules.ring_share.numerator,
        ring_whole=rules.ring_share.denominator,
        most_rings=rules.most_rings,
    )


async def take(
    connection: Connection, year: RunYear, *, as_of: datetime, turnover_from: TurnoverOrigin | None = None
) -> TakenSnapshot:
    """Read every fact, each in one statement, with memory enough that a year's sales are summed without disk.

    Each is planned for its own year and arrays: a plan for any takes three times as long, and the sixth run would get it.
    The kept turnover of contracts is of whole years: a year that the cut-off ends early is read trade by trade.
    """
    await connection.execute("SET LOCAL work_mem = '128MB'; SET LOCAL plan_cache_mode = force_custom_plan")
    window = window_of(year, as_of)
    fitting = TurnoverOrigin.KEPT if window.until == window.year_end else TurnoverOrigin.TRADES
    turnover, rings_fact = statements.FACTS_OF[origin := turnover_from or fitting]
    registered = await statements.fetch(connection, statements.REGISTERED, window)
    suspended = {row[0] for row in await statements.fetch(connection, statements.SUSPENDED, window)}
    venues = await statements.fetch(connection, statements.VENUES, window)
    related = await statements.fetch(connection, statements.RELATED, window)
    flagged = await statements.fetch(connection, statements.FLAGGED, window)
    window = _judging(window, venues, related, flagged)
    rows = await statements.fetch(connection, turnover, window)
    sold = {row["provider_id"]: row for row in rows if row["codes"] is None}
    rings = rings_of([row for row in rows if row["codes"] is not None])
    by_month = len(sold) <= MOST_SELLERS_BY_MONTH
    months = await statements.fetch(connection, statements.MONTHS, window) if by_month else []
    cases = await _cases(connection, window)
    enterprises = looked_at(registered, sold, cases.owners)
    circular, by_party = review.circular_turnover(rings), _by_party(months)
    companies = enterprise_candidates(enterprises, suspended, sold, circular, by_party)
    codes = {row["id"]: row["uscc"] for row in enterprises}
    projects = project_candidates(cases, codes, companies)
    return TakenSnapshot(
        as_of=window.as_of,
        snapshot=Snapshot.of([*companies.values(), *projects]),
        parties={row["uscc"]: _party(row) for row in enterprises},
        venues=[_qualification(row) for row in venues],
        related=[_relation(row) for row in related],
        flagged=[*map(_flagged, flagged), *map(_flagged_item, cases.flagged)],
        rings=[review.ring_document(ring) for ring in rings],
        counts={
            "enterprises": len(companies),
            "projects": len(projects),
            "trades": sum(row["trades"] for row in sold.values()),
        },
        turnover_from=origin,
        facts=_facts_read(turnover, rings_fact, by_month=by_month),
    )


def _facts_read(*turnover: statements.SqlFact, by_month: bool) -> dict[str, dict[str, int | str]]:
    """Version and text of each that was asked."""
    names = {fact.name for fact in turnover} | (set() if by_month else {statements.MONTHS.name})
    return {
        fact.name: {"version": fact.version, "sha256": fact.sha256}
        for fact in statements.SQL_FACTS
        if fact in turnover or fact.name not in names
    }


def _judging(
    window: Window,
    venues: Sequence[asyncpg.Record],
    related: Sequence[asyncpg.Record],
    flagged: Sequence[asyncpg.Record],
) -> Window:
    """With the qualifications, relations and flagged sales that count."""
    return replace(
        window,
        venue=[row["id"] for row in venues],
        venue_since=[start_of_day(row["qualified_from"]) for row in venues],
        venue_until=[start_of_day(row["qualified_to"]) if row["qualified_to"] else None for row in venues],
        related_a=[row["a_id"] for row in related],
        related_b=[row["b_id"] for row in related],
        related_from=[start_of_day(row["from_on"]) for row in related],
        related_to=[start_of_day(row["to_on"]) if row["to_on"] else None for row in related],
        flagged_seller=[row["provider_id"] for row in flagged],
        flagged_buyer=[row["buyer_id"] for row in flagged],
        flagged_from=[row["from_at"] for row in flagged],
        flagged_to=[row["to_at"] for row in flagged],
    )


def looked_at(
    registered: Sequence[asyncpg.Record], sold: Mapping[UUID, asyncpg.Record], owners: set[UUID]
) -> list[asyncpg.Record]:
    """Every enterprise; of another kind whoever sold on a qualified venue or owns a case: none is passed over in silence."""
    counted = owners | {seller for seller, sales in sold.items() if sales["gross"] > sales["unqualified"]}
    return [row for row in registered if row["kind"] == ParticipantKind.ENTERPRISE or row["id"] in counted]


def _party(row: asyncpg.Record) -> dict[str, str]:
    return {"id": str(row["id"]), "zh": row["name_zh"], "en": row["name_en"]}


def _qualification(row: asyncpg.Record) -> dict[str, str | None]:
    until = row["qualified_to"].isoformat() if row["qualified_to"] else None
    named = {"venue": str(row["id"]), "code": row["code"]}
    return named | {"since": row["qualified_from"].isoformat(), "until": until}


def _relation(row: asyncpg.Record) -> dict[str, str | None]:
    until = row["to_on"].isoformat() if row["to_on"] else None
    return {"a": str(row["a_id"]), "b": str(row["b_id"]), "from": row["from_on"].isoformat(), "to": until}


def _flagged(row: asyncpg.Record) -> dict[str, str]:
    """As I13 reads it again."""
    return {
        "seller": str(row["provider_id"]),
        "buyer": str(row["buyer_id"]),
        "from": instant_text(row["from_at"]),
        "to": instant_text(row["to_at"]),
    }


def _by_party(rows: Sequence[asyncpg.Record]) -> dict[UUID, dict[str, str]]:
    """What each sold and bought, by venue and month."""
    found: defaultdict[UUID, dict[str, str]] = defaultdict(dict)
    for row in sorted(rows, key=itemgetter("code")):
        sums = sorted(zip(row["months"], row["yes"], row["no"], strict=True))
        told = " ".join([f"{row['code']}@{month}={yes},{no}" for month, yes, no in sums])
        side, of = SOLD if row["sells"] else BOUGHT, found[row["party_id"]]
        of[side] = f"{of[side]} {told}" if side in of else told
    return found


def _flagged_item(row: asyncpg.Record) -> dict[str, Any]:
    """As I13-projects adds it up again."""
    item = str(row["item_id"]) if row["item_id"] else None
    return {"case": row["code"], "kind": row["kind"], "item": item, "fen": row["fen"]}


def rings_of(rows: Sequence[asyncpg.Record]) -> list[review.Ring]:
    """The rings that the books hold, each once."""
    found = []
    for row in rows:
        sellers = row["codes"]
        edges = zip(sellers, [*sellers[1:], sellers[0]], row["fens"], row["ring_trades"], strict=True)
        found.append(tuple(review.Edge(*edge) for edge in edges))
    return review.distinct_rings(found)


def enterprise_candidates(
    enterprises: Sequence[asyncpg.Record],
    suspended: set[UUID],
    sold: Mapping[UUID, asyncpg.Record],
    circular: Mapping[str, int],
    months: Mapping[UUID, Mapping[str, str]],
) -> dict[str, Candidate]:
    """Everyone looked at by its code, also who sold nothing. Net = gross, less each sum that does not count."""
    candidates = {}
    for row in enterprises:
        sales: asyncpg.Record | Mapping[str, Any] = sold.get(row["id"], NOTHING_SOLD)
        known: dict[str, FactValue] = {
            "registered_in_city": row["registered"],
            "suspended": row["id"] in suspended,
            "net_platform_turnover": sales["gross"]
            - sales["unqualified"]
            - sales["related"]
            - sales["flagged"]
            - sales["refunds"],
            "gross_turnover": sales["gross"],
            "unqualified_venue_turnover": sales["unqualified"],
            "related_party_turnover": sales["related"],
            "refunds": sales["refunds"],
            "circular_turnover": circular.get(row["uscc"], 0),
            "contracts": sales["contracts"],
            "free_trades": sales["free"],
            **months.get(row["id"], {}),
        }
        if row["kind"] != ParticipantKind.ENTERPRISE:
            known[OTHER_KIND] = row["kind"]
        if sales["flagged"]:
            known["flagged_turnover"] = sales["flagged"]
        if sales.get("first_settled") is not None:
            known["first_settled"] = instant_text(sales["first_settled"])
        candidates[row["uscc"]] = Candidate(Unit.ENTERPRISE, row["uscc"], row["uscc"], row["name_zh"], known)
    return candidates


@dataclass(frozen=True)
class _Cases:
    """The cases, which of them are claimed, what flags take off them, and what the register notes beside each."""

    rows: Sequence[asyncpg.Record]
    flagged: Sequence[asyncpg.Record]
    claimed: set[str]
    noted: Mapping[str, asyncpg.Record]

    @property
    def owners(self) -> set[UUID]:
        """Whoever has a case, or a share of one."""
        return {owner for row in self.noted.values() for owner in row["owners"]}

    def taken_off(self, code: str) -> int:
        """Invoices are those of contracts: of both the larger sum counts, and beside it what nothing supports."""
        fens: dict[str | None, list[int]] = {"invoice": [0], "contract": [0], None: [0]}
        for row in self.flagged:
            if row["code"] == code:
                fens[row["kind"]].append(row["fen"])
        return max(sum(fens["invoice"]), sum(fens["contract"])) + max(fens[None])


async def _cases(connection: Connection, window: Window) -> _Cases:
    rows = await statements.fetch(connection, statements.CASES, window)
    claimed = {row[0] for row in await statements.fetch(connection, statements.CLAIMED, window)}
    flagged = await statements.fetch(connection, statements.FLAGGED_INVESTMENT, window)
    register = await statements.fetch(connection, statements.REGISTER, window)
    return _Cases(rows, flagged, claimed, {row["code"]: row for row in register})


def project_candidates(
    cases: _Cases, codes: Mapping[UUID, str], companies: Mapping[str, Candidate]
) -> list[Candidate]:
    """Every case of a participant of the market; an investment that nobody verified is not known.

    A joint project is a candidate for each of its enterprises, with the whole investment and all shares.
    """
    candidates = []
    for row in cases.rows:
        noted = cases.noted[row["code"]]
        known: dict[str, FactValue] = {
            "case_listed_in_period": row["listed"] and not noted["revoked"],
            "claimed_before": row["code"] in cases.claimed or noted["claimed"],
        }
        if row["investment"] is not None:
            flagged = min(row["investment"], cases.taken_off(row["code"]))
            known["verified_investment"] = row["investment"] - flagged
            if flagged:
                known["flagged_investment"] = flagged
        if noted["doubts"]:
            known["doubts"] = noted["doubts"]
        joint = [share.partition("=")[0] for share in (noted["shares"] or "").split()]
        if joint:
            known["shares"] = noted["shares"]
        for enterprise in joint or [codes[row["enterprise_id"]]]:
            of_owner = companies[enterprise].facts
            facts = {
                name: of_owner[name] for name in (*ENTERPRISE_FACTS, OTHER_KIND) if name in of_owner
            } | known
            place = f"{row['code']}{JOINT}{enterprise}" if joint else row["code"]
            candidates.append(Candidate(Unit.PROJECT, place, enterprise, row["title_zh"], facts))
    return candidates
