"""Words of the chain: a link at an instant, and what an end affects."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from datamarket.foundation.states import Labelled
from datamarket.stoppages.terms import LinkKind, StoppageCause


class LinkState(Labelled):
    """What a link is at an instant."""

    STANDING = "standing", "有效", "standing"
    STOPPED = "stopped", "已停止", "stopped"
    OVER = "over", "已届满", "over"


class UndertakingState(Labelled):
    """What an undertaking to renew is at an instant."""

    GIVEN = "given", "待履行", "given"
    FULFILLED = "fulfilled", "已履行", "fulfilled"
    OVERDUE = "overdue", "逾期未履行", "overdue"


class Undertaken(NamedTuple):
    """The newest undertaking to renew a mandate: its document, until when, by when."""

    document: str
    renewed_to: date
    due_on: date
    state: UndertakingState


@dataclass(frozen=True)
class Link:
    """One link at an instant: its document and term as signed upon, its end as it is known now, why it does not stand."""

    kind: LinkKind
    target_id: UUID
    document: str
    term_from: date | None
    term_to: date | None
    ends_on: date | None
    state: LinkState
    since: datetime | None
    cause: StoppageCause | None
    reason: str | None
    undertaking: Undertaken | None = None


class Affected(NamedTuple):
    """What an end would stop: what is on sale, contracts in use, open orders, and the money held for them."""

    listings: int
    contracts: int
    orders: int
    held_fen: int
    """Orders that are placed hold it, deliveries have it in escrow; it runs its course either way."""
    listing_ids: list[UUID]
    contract_ids: list[UUID]
    order_ids: list[UUID]
    """The first of each, as far as an answer holds them."""
