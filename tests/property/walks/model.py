"""A market of one zone as a dict would keep it: what authority, negotiation, meters and money should be. Shares no code with ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

DAYS = {"requested": 30, "offered": 30, "accepted": 15, "agreed": 30, "part_signed": 30, "amendment": 30}
"""How long each waits: `contracts/deadlines.yaml`, said once more."""
OVER = frozenset({"expired", "ended", "rejected", "withdrawn"})
OPEN = frozenset({"placed", "delivered", "curing"})
RUNNING = frozenset({"active", "suspended"})
BOTH = frozenset({"provider", "buyer"})
ASKED_OF = frozenset({"provider", "authority"})
MOVES: Mapping[str, Mapping[str, tuple[frozenset[str], str]]] = {
    "requested": {
        "agree": (frozenset({"provider"}), "agreed"),
        "reject": (frozenset({"provider"}), "rejected"),
        "withdraw": (BOTH, "withdrawn"),
    },
    "offered": {"accept": (frozenset({"buyer"}), "accepted"), "withdraw": (BOTH, "withdrawn")},
    "accepted": {
        "agree": (frozenset({"provider"}), "agreed"),
        "reject": (frozenset({"provider"}), "rejected"),
        "withdraw": (BOTH, "withdrawn"),
    },
    "agreed": {"sign": (BOTH, "part_signed"), "withdraw": (BOTH, "withdrawn")},
    "part_signed": {"sign": (BOTH, "active"), "withdraw": (BOTH, "withdrawn")},
    "active": {"suspend": (ASKED_OF, "suspended"), "terminate": (BOTH | ASKED_OF, "ended")},
    "suspended": {"resume": (ASKED_OF, "active"), "terminate": (BOTH | ASKED_OF, "ended")},
}


def begins(day: date) -> datetime:
    """A day of Qingdao, eight hours before that of Greenwich."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)


def day_of(at: datetime) -> date:
    return (at + timedelta(hours=8)).date()


@dataclass
class Granted:
    """A mandate; `ended` is the day of its withdrawal."""

    id: UUID
    operator: UUID
    term_from: date
    term_to: date
    ended: date | None = None
    ended_at: datetime | None = None
    course: str | None = None
    followed: bool = False

    def in_force(self, on: date) -> bool:
        return self.term_from <= on < (self.ended or self.term_to)

    @property
    def ends(self) -> datetime:
        return min(begins(self.term_to), self.ended_at or begins(self.term_to))


@dataclass
class Terms:
    quota: int | None
    price: int
    purposes: tuple[str, ...]
    term_to: datetime
    notice_days: int = 0
    cure_days: int = 0

    @property
    def annex(self) -> dict[str, int]:
        said = {"notice_days": self.notice_days, "cure_days": self.cure_days}
        return {clause: days for clause, days in said.items() if days}


@dataclass
class Ordered:
    quantity: int
    amount: int
    deliver_by: datetime
    state: str = "placed"
    decide_by: datetime | None = None
    used_at: datetime | None = None
    cure_days: int = 0
    cure_by: datetime | None = None

    @property
    def ends(self) -> datetime:
        """When the time for what is to be done with it is over."""
        until = {"delivered": self.decide_by, "curing": self.cure_by}.get(self.state)
        return until or self.deliver_by

    def use(self, at: datetime) -> None:
        """Whoever uses what was delivered accepts it; the first use counts."""
        if self.state == "delivered" and self.decide_by is not None and at < self.decide_by:
            self.used_at = self.used_at or at


@dataclass
class Deal:
    """A contract: the terms in force, or those that are negotiated."""

    id: UUID
    operator: UUID
    terms: Terms
    answer_by: datetime | None
    state: str = "requested"
    signed: set[str] = field(default_factory=set)
    term_to: datetime | None = None
    ends_at: datetime | None = None
    mandate: Granted | None = None
    offered: tuple[str, Terms, int] | None = None
    number: int = 1
    used: int = 0
    was_active: bool = False
    left_to_the_clock: bool = False
    orders: dict[UUID, Ordered] = field(default_factory=dict)
    unpriced: dict[UUID, int] = field(default_factory=dict)
    trades: dict[UUID, int] = field(default_factory=dict)

    @property
    def reserved(self) -> int:
        return sum(one.quantity for one in self.orders.values() if one.state in OPEN)

    @property
    def undecided(self) -> int:
        return sum(one.state in OPEN - {"placed"} for one in self.orders.values())

    @property
    def unsettled(self) -> bool:
        return bool(self.reserved or self.unpriced)

    def use(self, quantity: int, at: datetime) -> None:
        self.used += quantity
        for order in self.orders.values():
            order.use(at)

    def close(self, state: str) -> None:
        self.state, self.answer_by, self.offered = state, None, None

    def end_with_its_mandate(self, at: datetime) -> None:
        """What is open of it, and its disposal, are left to the next turn of the clock."""
        self.state, self.answer_by, self.left_to_the_clock = "ended", at, True


@dataclass
class Market:
    """The links, each with the instant since which it is broken; and every contract."""

    provider: UUID
    buyer: UUID
    zone: UUID
    version: UUID
    operator: UUID
    valid_to: date
    mandates: list[Granted]
    broken: dict[UUID | str, datetime] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)
    funds: int = 0

    def ends(self, deal: Deal) -> datetime | None:
        """When the first of its links ends, or has ended."""
        links = (self.provider, self.buyer, deal.operator, self.zone, self.version, "registration")
        acts = [self.broken[link] for link in links if link in self.broken]
        assert deal.mandate is not None
        return min([*acts, deal.mandate.ends, begins(self.valid_to)])

    def stands_until(self, deal: Deal) -> datetime:
        assert deal.term_to is not None
        return min(deal.term_to, self.ends(deal) or deal.term_to)

    def in_force(self, at: datetime) -> Granted | None:
        return next((one for one in self.mandates if one.in_force(day_of(at))), None)

    def off_sale(self, at: datetime) -> bool:
        """What stands on none of buyer, scenario and itself."""
        links = (self.provider, self.operator, self.zone, self.version, "registration")
        return (
            any(link in self.broken for link in links)
            or self.in_force(at) is None
            or begins(self.valid_to) <= at
        )

    def may_run(self, deal: Deal, terms: Terms, at: datetime) -> bool:
        """Under the zone's mandate of today, of the same operator, until its end."""
        mandate = self.in_force(at)
        return (
            mandate is not None
            and mandate.operator == deal.operator
            and at < terms.term_to <= begins(mandate.term_to)
        )

    def would_stand(self, deal: Deal, terms: Terms, at: datetime) -> bool:
        """Linked anew."""
        before, deal.mandate = deal.mandate, self.in_force(at)
        found = at < (self.ends(deal) or at)
        deal.mandate = before
        return found and at < terms.term_to

    def refusal(self, deal: Deal, purpose: str, quantity: int, at: datetime) -> str | None:
        """Why a use is not permitted."""
        assert deal.term_to is not None
        if deal.state != "active":
            return "contract.not-active"
        if at >= deal.term_to:
            return "contract.outside-term"
        if at >= self.stands_until(deal):
            return "contract.stopped"
        if purpose not in deal.terms.purposes:
            return "contract.purpose-not-authorised"
        quota = deal.terms.quota
        if quota is not None and deal.used + deal.reserved + quantity > quota:
            return "contract.quota-exhausted"
        return None

    def may_move(self, deal: Deal, party: str, event: str, at: datetime) -> bool:
        who, _ = MOVES.get(deal.state, {}).get(event, (frozenset(), ""))
        if party not in who:
            return False
        if event == "terminate":
            ending = deal.ends_at is not None and party != "authority"
            return not ending and not (party == "buyer" and deal.undecided)
        if event in {"agree", "accept", "sign"}:
            assert deal.answer_by is not None
            if at >= deal.answer_by:
                return False
        if event != "sign":
            return True
        second = deal.state == "part_signed"
        return (
            party not in deal.signed
            and self.may_run(deal, deal.terms, at)
            and not (second and not self.would_stand(deal, deal.terms, at))
        )

    def moved(self, deal: Deal, party: str, event: str, at: datetime) -> None:
        following = MOVES[deal.state][event][1]
        if event == "terminate" and party != "authority" and deal.terms.notice_days:
            assert deal.term_to is not None
            deal.ends_at = at + timedelta(days=deal.terms.notice_days)
            deal.term_to = min(deal.terms.term_to, deal.ends_at)
            deal.answer_by = deal.offered = None
        elif following in OVER:
            deal.close(following)
        elif event in {"suspend", "resume"}:
            deal.state = following
        else:
            deal.state = following
            deal.answer_by = at + timedelta(days=DAYS[following]) if following in DAYS else None
        if event == "sign":
            deal.signed.add(party)
            if following == "active":
                deal.mandate, deal.term_to, deal.was_active = self.in_force(at), deal.terms.term_to, True

    def may_offer(self, deal: Deal, party: str, terms: Terms, at: datetime, *, on_sale: bool) -> bool:
        turn = {"requested": "provider", "offered": "buyer"}.get(deal.state)
        if deal.state in RUNNING:
            allowed = (
                party in BOTH
                and deal.ends_at is None
                and at < deal.terms.term_to
                and (deal.offered is None or deal.offered[0] != party)
            )
        else:
            allowed = turn is not None and party == turn
        late = deal.answer_by is not None and at >= deal.answer_by
        asked = on_sale or terms.purposes == deal.terms.purposes
        return (
            allowed
            and not late
            and asked
            and terms != deal.terms
            and not {self.provider, self.buyer} & self.broken.keys()
            and self.may_run(deal, terms, at)
        )

    def offered(self, deal: Deal, party: str, terms: Terms, number: int, at: datetime) -> None:
        if deal.state in RUNNING:
            deal.offered, deal.answer_by = (party, terms, number), at + timedelta(days=DAYS["amendment"])
            return
        deal.state = "offered" if party == "provider" else "requested"
        deal.terms, deal.answer_by, deal.number = terms, at + timedelta(days=DAYS[deal.state]), number

    def may_answer(self, deal: Deal, party: str, event: str, at: datetime) -> bool:
        if deal.offered is None or deal.state not in RUNNING or party not in BOTH:
            return False
        by, terms, _ = deal.offered
        if (event == "withdraw") != (party == by):
            return False
        if event != "sign":
            return True
        before = deal.terms
        less = terms.term_to < before.term_to or not set(before.purposes) <= set(terms.purposes)
        assert deal.answer_by is not None
        return (
            at < deal.answer_by
            and at < before.term_to
            and not {self.provider, self.buyer} & self.broken.keys()
            and self.may_run(deal, terms, at)
            and (terms.quota is None or terms.quota >= deal.used + deal.reserved)
            and not (deal.unsettled and (less or terms.price != before.price))
            and self.would_stand(deal, terms, at)
        )

    def answered(self, deal: Deal, event: str, at: datetime) -> None:
        assert deal.offered is not None
        if event == "sign":
            _, deal.terms, deal.number = deal.offered
            deal.term_to, deal.mandate = deal.terms.term_to, self.in_force(at)
        deal.offered = deal.answer_by = None

    def carry(self, successor: Granted, at: datetime) -> None:
        """What waits for this mandate goes on under it, or ends where it is another operator's."""
        on = day_of(at)
        for former in self.mandates:
            waits = former.course == "move" or (former.ended is None and former.term_to <= on)
            if former is successor or former.followed or not waits or successor.term_from > on:
                continue
            former.followed = True
            for deal in self.under(former):
                if successor.operator == former.operator:
                    deal.mandate = successor
                else:
                    deal.end_with_its_mandate(at)

    def under(self, mandate: Granted) -> list[Deal]:
        return [deal for deal in self.deals if deal.mandate is mandate and deal.state in RUNNING]

    def time_comes(self, at: datetime) -> None:
        """What every chore does, one after the other."""
        for deal in self.deals:
            for order in deal.orders.values():
                if order.state == "placed" and order.ends <= at:
                    order.state = "expired"
                elif order.state == "curing" and order.ends <= at:
                    order.state = "rejected"
                    self.funds += order.amount
            if deal.left_to_the_clock:
                deal.close("ended")
                deal.left_to_the_clock = False
            if deal.state not in OVER:
                self._runs_out(deal, at)
        current = self.in_force(at)
        if current is not None and any(
            one.ended is None and one.term_to <= day_of(at) and not one.followed for one in self.mandates
        ):
            self.carry(current, at)

    def _runs_out(self, deal: Deal, at: datetime) -> None:
        if deal.state in RUNNING and deal.ends_at is not None and deal.ends_at <= at:
            deal.close("ended" if deal.ends_at < deal.terms.term_to else "expired")
        elif deal.terms.term_to <= at:
            deal.close("expired")
        elif deal.answer_by is not None and deal.answer_by <= at:
            if deal.state in RUNNING:
                deal.offered = deal.answer_by = None
            else:
                deal.close("expired")

    def silent(self, deal: Deal, order: Ordered, at: datetime) -> bool:
        """Whether silence, or a use, accepts a delivery now."""
        if order.state != "delivered" or order.decide_by is None:
            return False
        if order.used_at is not None:
            return deal.state != "suspended"
        if order.decide_by > at:
            return False
        if deal.state in OVER:
            return True
        return deal.state == "active" and order.decide_by < (self.ends(deal) or at)
