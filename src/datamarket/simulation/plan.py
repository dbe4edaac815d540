"""Decides what will happen in a year, before anything does: pure, and the same for the same seed.

Contracts first (who buys what from whom, for how much), then each contract's trades in time, then the
exact top-up that makes ranks ten and eleven tie, then who gives money back.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import isqrt
from operator import attrgetter
from random import Random

from datamarket.catalogue.listings.terms import PriceModel
from datamarket.foundation.clock import year_bounds
from datamarket.foundation.money import Fen, apply_rate, split
from datamarket.simulation.shapes import Shapes
from datamarket.simulation.terms import Affiliated, Enterprise, Shelf

TOP = 10
LEAST_CONTRACT = 50_000
"""Fen, [assumed]: nobody signs for less."""


@dataclass(frozen=True, slots=True)
class PlannedTrade:
    """So many units at an instant; `refund_at` gives a part of it back later. Without a dict: there may be millions."""

    contract: int
    at: datetime
    quantity: int
    refund_at: datetime | None = None
    refund_fen: int | None = None


@dataclass
class PlannedContract:
    """A contract to be concluded: `units` is what its trades add up to; `give_back` is refunded of them."""

    seller: str
    buyer: str
    shelf: Shelf
    units: int
    counts: bool
    trades: int = 1
    give_back: int = 0

    @property
    def amount(self) -> int:
        return self.units * self.shelf.price_fen


@dataclass
class YearPlan:
    """All that will happen in one year."""

    year: int
    contracts: list[PlannedContract] = field(default_factory=list)
    trades: list[PlannedTrade] = field(default_factory=list)
    suspended: str | None = None
    suspended_at: datetime | None = None
    tied: tuple[str, str] | None = None

    def deposits(self) -> dict[str, int]:
        """What each buyer will spend."""
        needed: dict[str, int] = defaultdict(int)
        for contract in self.contracts:
            needed[contract.buyer] += contract.amount
        return dict(needed)


class Planner:
    """Plans one year from one seed."""

    def __init__(
        self,
        random: Random,
        shapes: Shapes,
        year: int,
        *,
        enterprises: Sequence[Enterprise],
        shelves: Sequence[Shelf],
        affiliated: Sequence[Affiliated],
    ) -> None:
        self.random = random
        self.shapes = shapes
        self.start, self.end = year_bounds(year)
        self.plan = YearPlan(year)
        self.enterprises = {enterprise.uscc: enterprise for enterprise in enterprises}
        self.codes = [enterprise.uscc for enterprise in enterprises]
        self.affiliated = affiliated
        self.steady: set[str] = set()
        self.related = {frozenset((pair.controller, pair.controlled)) for pair in affiliated}
        self.shelves: dict[str, list[Shelf]] = defaultdict(list)
        self.free: list[Shelf] = []
        for shelf in shelves:
            if shelf.model is PriceModel.FREE:
                self.free.append(shelf)
            else:
                self.shelves[shelf.provider].append(shelf)

    def make(self, trades: int, *, stress: bool) -> YearPlan:
        """The whole year, with about `trades` trades."""
        order = self._sellers_by_rank()
        self._sell(order, stress=stress)
        self._sell_to_affiliates()
        self._sell_in_circles(order)
        self._suspend_one_of_the_first_ten()
        self._tie_at_the_cut()
        self._use_for_free(apply_rate(Fen(trades), self.shapes.free_share))
        self._place_in_time(trades)
        return self.plan

    def _sellers_by_rank(self) -> list[str]:
        """Whose turnover is meant to be first, second …: whoever has something to sell by use."""
        sellers = [
            code
            for code, shelves in sorted(self.shelves.items())
            if any(shelf.counts_by_use for shelf in shelves)
        ]
        self.random.shuffle(sellers)
        leaders = [code for code in sellers if self.enterprises[code].in_city]
        head = leaders[: TOP + 8]
        first = set(head)
        return head + [code for code in sellers if code not in first]

    def _buyer_for(self, seller: str) -> str:
        while True:
            buyer = self.random.choice(self.codes)
            if buyer != seller and not self._are_related(seller, buyer):
                return buyer

    def _are_related(self, one: str, other: str) -> bool:
        """Direct control, or a common controller."""
        if frozenset((one, other)) in self.related:
            return True
        controllers = [
            {pair.controller for pair in self.affiliated if pair.controlled == code} for code in (one, other)
        ]
        return bool(controllers[0] & controllers[1])

    def _sell(self, order: Sequence[str], *, stress: bool) -> None:
        wide = len(self.codes) > self.shapes.everyone_sells_above
        for rank, seller in enumerate(order, 1):
            target = self.shapes.turnover_of_rank(rank) * self.random.randint(92, 108) // 100
            if stress and rank <= len(self.shapes.stress_turnovers):
                target = int(self.shapes.stress_turnovers[rank - 1])
            while target > 0:
                size = max(LEAST_CONTRACT, int(self.shapes.contract_size(self.random)))
                size = min(target, size if target < 10**9 else max(size, target // 12))
                target -= self._contract(seller, self._buyer_for(seller), size)
                if wide and target < LEAST_CONTRACT:
                    break  # else what a price leaves over would be a contract of its own, one for each seller

    def _contract(self, seller: str, buyer: str, size: int, *, counts: bool = True) -> int:
        """One contract near `size` fen on one of the seller's listings; returns what it will bring."""
        by_use = [shelf for shelf in self.shelves[seller] if shelf.model is PriceModel.PER_CALL]
        others = [
            shelf
            for shelf in self.shelves[seller]
            if shelf.model is not PriceModel.PER_CALL and size // 2 <= shelf.price_fen <= size
        ]
        qualified = [shelf for shelf in by_use if shelf.qualified]
        if others and self.random.random() * 4 < 1:
            shelf = self.random.choice(others)
        else:
            shelf = self.random.choice(qualified or by_use)
        units = 1 if shelf.model is PriceModel.ONE_OFF else max(1, size // shelf.price_fen)
        contract = PlannedContract(seller, buyer, shelf, units, counts and shelf.qualified)
        self.plan.contracts.append(contract)
        return contract.amount if shelf.qualified else max(contract.amount, size)

    def _turnover(self) -> int:
        return sum(contract.amount for contract in self.plan.contracts)

    def _sell_to_affiliates(self) -> None:
        """Trades between affiliates: real money, but no turnover for the subsidy."""
        pairs = [
            pair
            for pair in self.affiliated
            if self._sells_by_use(pair.controlled) or self._sells_by_use(pair.controller)
        ]
        if not pairs:
            return
        each = apply_rate(Fen(self._turnover()), self.shapes.related_share) // len(pairs)
        for pair in pairs:
            seller, buyer = pair.controlled, pair.controller
            if not self._sells_by_use(seller):
                seller, buyer = buyer, seller
            self._contract(seller, buyer, max(LEAST_CONTRACT, each), counts=False)

    def _sells_by_use(self, code: str) -> bool:
        return any(shelf.model is PriceModel.PER_CALL for shelf in self.shelves.get(code, ()))

    def _sell_in_circles(self, order: Sequence[str]) -> None:
        """A → B → C → A, for nearly the same amount: flagged to the reviewer."""
        ring = [code for code in order[TOP + 10 :] if self._sells_by_use(code)][:3]
        if len(ring) < 3:
            return
        each = apply_rate(Fen(self._turnover()), self.shapes.circular_share) // 3
        for seller, buyer in zip(ring, [*ring[1:], ring[0]], strict=True):
            self._contract(seller, buyer, max(LEAST_CONTRACT, each))

    def _counted(self) -> dict[str, int]:
        """Planned turnover that will count, by seller registered in the city."""
        totals: dict[str, int] = defaultdict(int)
        for contract in self.plan.contracts:
            if contract.counts and self.enterprises[contract.seller].in_city:
                totals[contract.seller] += contract.amount
        return totals

    def _suspend_one_of_the_first_ten(self) -> None:
        ranked = _ranking(self._counted())
        if len(ranked) >= TOP:
            self.plan.suspended = ranked[self.shapes.suspended_rank - 1]
            month = self.shapes.suspended_month - 1
            self.plan.suspended_at = self.start + (self.end - self.start) * month // 12 + timedelta(days=14)

    def _tie_at_the_cut(self) -> None:
        """Rank eleven of the eligible sells what it lacks to rank ten, and refunds the excess: equal to the fen."""
        totals = self._counted()
        totals.pop(self.plan.suspended or "", None)
        ranked = _ranking(totals)
        if len(ranked) <= TOP:
            return
        tenth, eleventh = ranked[TOP - 1], ranked[TOP]
        lacking = totals[tenth] - totals[eleventh]
        if lacking:
            by_use = [shelf for shelf in self.shelves[eleventh] if shelf.counts_by_use]
            shelf = min(by_use, key=lambda shelf: shelf.price_fen)
            units = -(-lacking // shelf.price_fen)
            give_back = units * shelf.price_fen - lacking
            buyer = self._buyer_for(eleventh)
            self.plan.contracts.append(
                PlannedContract(eleventh, buyer, shelf, units, counts=True, give_back=give_back)
            )
        self.plan.tied = (tenth, eleventh)
        self.steady = set(ranked[TOP - 4 : TOP + 4])  # any other refund near the cut would undo the tie

    def _use_for_free(self, trades: int) -> None:
        """Public-good use: metered, recorded, free."""
        shelves = [shelf for shelf in self.free if shelf.public_good]
        if not shelves or not trades:
            return
        chosen = self.random.sample(shelves, min(len(shelves), 12))
        for shelf, count in zip(chosen, split(Fen(trades), [1] * len(chosen)), strict=True):
            buyer = self._buyer_for(shelf.provider)
            contract = PlannedContract(shelf.provider, buyer, shelf, max(1, count) * 3, counts=False)
            contract.trades = max(1, count)
            self.plan.contracts.append(contract)

    def _place_in_time(self, trades: int) -> None:
        """Share the trades out over contracts by use, in proportion to the square root of their size."""
        priced = [contract for contract in self.plan.contracts if _is_divisible(contract)]
        others = sum(contract.trades for contract in self.plan.contracts if not _is_divisible(contract))
        if priced:
            self._share_out(priced, max(0, trades - others))
        for number, contract in enumerate(self.plan.contracts):
            self.plan.trades.extend(self._trades_of(number, contract))
        self.plan.trades.sort(key=attrgetter("at"))  # of one instant: in the order of their contracts

    def _share_out(self, contracts: Sequence[PlannedContract], trades: int) -> None:
        """No contract has more trades than units; what one cannot take, those with units to spare do."""
        weights = [max(1, isqrt(contract.amount)) for contract in contracts]
        counts = [
            min(c.units, share) for c, share in zip(contracts, split(Fen(trades), weights), strict=True)
        ]
        spare = [contract.units - count for contract, count in zip(contracts, counts, strict=True)]
        left = min(trades - sum(counts), sum(spare))
        extra = split(Fen(left), spare) if left else [0] * len(spare)
        for contract, count, more in zip(contracts, counts, extra, strict=True):
            contract.trades = max(1, count + more)

    def _trades_of(self, number: int, contract: PlannedContract) -> Iterable[PlannedTrade]:
        units = split(Fen(contract.units), [self.random.randint(1, 9) for _ in range(contract.trades)])
        first = self.start + timedelta(days=8)
        until = self.end
        if contract.seller == self.plan.suspended and self.plan.suspended_at:
            until = self.plan.suspended_at
        seconds = int((until - first).total_seconds())
        keeps_all = contract.seller in self.steady
        for quantity in units:
            if quantity:
                at = first + timedelta(
                    seconds=self.random.randrange(seconds), milliseconds=self.random.randrange(1000)
                )
                halt = self.plan.suspended_at
                if halt is not None and contract.buyer == self.plan.suspended and at >= halt:
                    at = (
                        halt - (at - halt) - timedelta(milliseconds=1)
                    )  # as long before: no other draw changes
                yield self._perhaps_refunded(
                    PlannedTrade(number, at, quantity), contract, keeps_all=keeps_all
                )

    def _perhaps_refunded(
        self, trade: PlannedTrade, contract: PlannedContract, *, keeps_all: bool
    ) -> PlannedTrade:
        """Some trades are given back, wholly or in part; one in three of those after the year's end."""
        amount = trade.quantity * contract.shelf.price_fen
        share = self.shapes.refund_share
        if contract.give_back:
            return replace(trade, refund_at=trade.at + timedelta(minutes=5), refund_fen=contract.give_back)
        if keeps_all or not amount or self.random.randrange(share.denominator) >= share.numerator:
            return trade
        fen = amount if self.random.random() * 2 < 1 else max(1, amount * self.random.randint(10, 90) // 100)
        if self.random.random() * 3 < 1:
            refund_at = self.end + timedelta(days=self.random.randint(2, 40))
        else:
            refund_at = min(
                trade.at + timedelta(days=self.random.randint(1, 20)), self.end - timedelta(hours=1)
            )
        return replace(trade, refund_at=refund_at, refund_fen=fen)


def _is_divisible(contract: PlannedContract) -> bool:
    """Whether its units may be shared out over several trades."""
    return contract.shelf.model is PriceModel.PER_CALL and contract.units > 1 and not contract.give_back


def _ranking(totals: dict[str, int]) -> list[str]:
    return sorted(totals, key=lambda code: (-totals[code], code))
