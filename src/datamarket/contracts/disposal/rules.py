"""Decisions about disposal: its life, by when it is due, and who proves it. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from datamarket.contracts.disposal.terms import DisposalEvent, DisposalState
from datamarket.foundation.errors import Forbidden
from datamarket.foundation.states import Life

DISPOSAL_LIFE = Life(
    "disposal",
    "数据处置义务",
    "Disposal",
    {
        (DisposalState.DUE, DisposalEvent.PROVE): DisposalState.PROVED,
        (DisposalState.DUE, DisposalEvent.FALL_DUE): DisposalState.OVERDUE,
        (DisposalState.OVERDUE, DisposalEvent.PROVE): DisposalState.PROVED,
    },
)


class BuyerDisposes(Forbidden):
    code = "disposal.buyer-disposes"
    zh = "数据处置由需方证明。"
    en = "The buyer proves what became of the data."


def due_by(annex: Mapping[str, Any], usual: datetime, now: datetime) -> datetime:
    """When the annex says how long the data may be kept, then; else at the usual time."""
    days = annex.get("retention_days")
    return usual if days is None else now + timedelta(days=days)
