"""A stored run under other parameters, or beside another run."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.money import percent, yuan
from datamarket.subsidy.runs.dossier import (
    check_calculated,
    result_of,
    scheme_of,
    stored_snapshot,
)
from datamarket.subsidy.runs.queries import RunView
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.studies.grid import Cell, grid_of
from datamarket.subsidy.studies.reform import ReformChangesNothing, apply_reform, for_year
from datamarket.subsidy.studies.whatif import Comparison, DifferentInputs, WhatIf, compare, what_if


async def what_if_of(session: AsyncSession, view: RunView, changes: Mapping[str, Any]) -> WhatIf:
    """The run's own snapshot under a reform. Raises NotCalculated and what `whatif.what_if` raises."""
    check_calculated(view)
    scheme = await scheme_of(session, view.run.scheme_version_id)
    snapshot = await stored_snapshot(session, view)
    return await asyncio.to_thread(what_if, scheme, changes, snapshot, view.run.year)


async def grid_for(
    session: AsyncSession, view: RunView, clause_id: str, rates: Sequence[Fraction], caps: Sequence[int]
) -> list[list[Cell]]:
    """The run's own snapshot at each rate and cap of a clause.

    Raises NotCalculated, what `apply_reform` raises of any of them by itself, and what `grid_of` raises.
    """
    check_calculated(view)
    scheme = await scheme_of(session, view.run.scheme_version_id)
    snapshot = await stored_snapshot(session, view)
    year = view.run.year

    def work() -> list[list[Cell]]:
        check_values(scheme, year, clause_id, rates, caps)
        return grid_of(scheme, snapshot, year, clause_id, rates=rates, caps=caps)

    return await asyncio.to_thread(work)


def check_values(
    scheme: Scheme, year: int, clause_id: str, rates: Sequence[Fraction], caps: Sequence[int]
) -> None:
    """Each rate with the first cap, each cap with the first rate. Raises what `apply_reform` raises of one."""
    edges = [(rate, caps[0]) for rate in rates] + [(rates[0], cap) for cap in caps]
    for rate, cap in edges:
        changes = {f"{clause_id}.rate": percent(rate), f"{clause_id}.cap": yuan(cap)}
        with suppress(ReformChangesNothing):
            apply_reform(scheme, {path: for_year(path, value, year) for path, value in changes.items()})


async def compared(session: AsyncSession, one: RunView, other: RunView) -> Comparison:
    """Two runs of one year. Raises DifferentInputs for runs of different years, and NotCalculated."""
    if one.run.year != other.run.year:
        raise DifferentInputs
    return compare(await result_of(session, one), await result_of(session, other))
