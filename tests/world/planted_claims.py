"""Applications of a planted year: honest ones, and some that claim twice, or more than was delivered, paid or invoiced."""

import json
from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

EACH = 4
COPY = """
INSERT INTO {table} SELECT made.* FROM (SELECT * FROM {table} LIMIT 1) AS t, jsonb_array_elements($1::jsonb) AS given,
       jsonb_populate_record(NULL::{table}, to_jsonb(t) || given) AS made
"""


class Item(NamedTuple):
    """An invoice or a contract; `paper` names its scan, `contract` is the place of one of this market."""

    kind: str
    key: str
    fen: int
    paper: str
    contract: int | None = None
    deliveries: int | None = None


class Claim(NamedTuple):
    """What one enterprise claims for a project of its own; without `verified_fen` nobody has audited it yet."""

    enterprise: UUID
    declared_fen: int
    verified_fen: int | None
    items: list[Item]
    earlier: bool = False


class Bought(NamedTuple):
    """A contract of this market, what was paid under it and how often it delivered."""

    contract: int
    fen: int
    deliveries: int


def bought_by(
    contracts: list[tuple[UUID, UUID]],
    trades: list[tuple[int, int, Any]],
    refunds: list[tuple[int, int, Any]],
) -> dict[UUID, Bought]:
    """One contract of each buyer."""
    paid: defaultdict[int, list[int]] = defaultdict(list)
    for contract, fen, _ in trades:
        paid[contract].append(fen)
    back: defaultdict[int, int] = defaultdict(int)
    for trade, fen, _ in refunds:
        back[trades[trade][0]] += fen
    return {
        contracts[contract][1]: Bought(contract, sum(fens) - back[contract], len(fens))
        for contract, fens in paid.items()
    }


def honest(random: Random, enterprise: UUID, bought: Bought | None) -> Claim:
    """Invoices and contracts of its own, some on one scan, that agree to some hundredths with what is claimed."""
    name = f"{random.getrandbits(64):020}"
    fens = [random.randrange(100_000, 90_000_000) for _ in range(random.randrange(2, 8))]
    items = [Item("invoice", f"{name}-{place}", fen, f"{name}-{place % 2}") for place, fen in enumerate(fens)]
    if bought is not None:
        items[0] = items[0]._replace(fen=max(bought.fen, 1))
        items.append(
            Item("contract", f"{name}-c", max(bought.fen, 1), name, bought.contract, bought.deliveries)
        )
    shown = sum(item.fen for item in items if item.kind == "invoice")
    verified = random.choice([None, shown])
    return Claim(enterprise, shown * random.randrange(98, 103) // 100, verified, items)


def twice(random: Random, members: Iterator[UUID]) -> list[tuple[frozenset[UUID], list[Claim]]]:
    """An invoice, a contract and a paper of another enterprise, and an invoice of a year before."""
    planted = []
    for place in range(EACH):
        first = next(members)
        second = first if place == EACH - 1 else next(members)
        one, other = honest(random, first, None), honest(random, second, None)
        same = one.items[0]
        if place == 1:
            same = Item("contract", f"{same.key}-c", same.fen, f"{same.key}-c")
            one.items.append(same)
            other.items.append(same._replace(paper=f"{same.key}-d"))
        else:
            key = other.items[0].key if place == 2 else same.key
            scan = same.paper if place == 2 else other.items[0].paper
            other.items[0] = other.items[0]._replace(key=key, paper=scan)
        claims = [one._replace(earlier=place == EACH - 1), other]
        planted.append((frozenset({first, second}), claims))
    return planted


def mismatched(
    random: Random, members: Iterator[UUID], bought: dict[UUID, Bought]
) -> list[tuple[frozenset[UUID], list[Claim]]]:
    """Fewer invoices than claimed, more verified than shown, more paid and more delivered than the market knows."""
    planted = []
    for place in range(EACH):
        owner = next(member for member in members if member in bought)
        claim, deal = honest(random, owner, None), bought[owner]
        shown = sum(item.fen for item in claim.items)
        if place == 0:
            claim = claim._replace(declared_fen=shown * 12 // 10, verified_fen=None)
        elif place == 1:
            claim = claim._replace(verified_fen=shown * 12 // 10)
        else:
            fen, deliveries = (deal.fen + shown, None) if place == 2 else (1, deal.deliveries * 2)
            claim.items.append(
                Item("contract", f"{claim.items[0].key}-c", fen, "", deal.contract, deliveries)
            )
        planted.append((frozenset({owner}), [claim]))
    return planted


async def write(
    link: "asyncpg.Connection[asyncpg.Record]", random: Random, claims: list[Claim], contract_ids: list[UUID]
) -> None:
    """Copies of the one application that is there, and of its call, case, paper and item."""

    def new_id() -> str:
        return str(UUID(int=random.getrandbits(128)))

    earlier = new_id()
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows["subsidy_call"].append({"id": earlier, "year": 2023})
    papers: dict[str, str] = {}
    for number, claim in enumerate(claims):
        case, application = new_id(), new_id()
        told: dict[str, Any] = {
            "code": f"P-{number}",
            "list_key": f"p/{number}",
            "enterprise_id": str(claim.enterprise),
        }
        if claim.verified_fen is None:
            told |= {"state": "registered", "verified_by": None}
        rows["subsidy_case"].append({"id": case, "investment_fen": claim.verified_fen, **told})
        under = {"call_id": earlier} if claim.earlier else {}
        since = {"declared_at": "2024-01-20T02:00:00Z"} if claim.earlier else {}
        rows["subsidy_application"].append(
            {
                "id": application,
                "case_id": case,
                "enterprise_id": str(claim.enterprise),
                "declared_fen": claim.declared_fen,
                **under,
            }
        )
        for item in claim.items:
            scan = papers.setdefault(item.paper or new_id(), new_id())
            rows["subsidy_declared_item"].append(
                {
                    "id": new_id(),
                    "application_id": application,
                    "kind": item.kind,
                    "number": item.key,
                    "key": item.key,
                    "amount_fen": item.fen,
                    "paper_id": scan,
                    "contract_id": None if item.contract is None else str(contract_ids[item.contract]),
                    "deliveries": item.deliveries,
                    **since,
                }
            )
    rows["subsidy_paper"] = [
        {"id": paper, "sha256": f"{place:064x}"} for place, paper in enumerate(papers.values())
    ]
    for table, given in rows.items():
        await link.execute(COPY.format(table=table), json.dumps(given))
