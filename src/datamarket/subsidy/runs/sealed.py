"""Is a run what its sealed audit events say? Asked at approval, posting, payment and replay."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.evidence import queries as evidence
from datamarket.foundation.db import driver
from datamarket.foundation.errors import Conflict
from datamarket.subsidy.runs import queries
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunPart


class RunNotAsSealed(Conflict):
    code = "subsidy.run-not-as-sealed"
    zh = "运行与其审计事件不符，不予办理：{differs_zh}。请运行 datamarket check 与 datamarket verify。"
    en = (
        "The run is not what its audit events say, and nothing was done: {differs_en}."
        " Run datamarket check and datamarket verify."
    )


class SealedComparison(NamedTuple):
    """In what a run differs from its events, with the rows where they are known; and how many of these wait to be sealed."""

    differs: list[tuple[RunPart, str | None]]
    unsealed: int


async def compare(session: AsyncSession, run: SubsidyRun) -> SealedComparison:
    """Every event of the run against its leaf, and the run against every event, sealed or not."""
    differs = [(RunPart(what), named) for what, named in await queries.differences(session, run.id)]
    events = await evidence.sealed_events(await driver(session), run.ledger_id, run.id)
    differs += [(RunPart.LEAF, str(event)) for event, holds in events.items() if holds is False]
    return SealedComparison(sorted(differs), sum(holds is None for holds in events.values()))


async def check_as_sealed(session: AsyncSession, run: SubsidyRun) -> None:
    """Raises RunNotAsSealed, naming what differs."""
    differs = (await compare(session, run)).differs
    if differs:
        zh, en = (
            sep.join(part.labels[at] + (f" {named}" if named else "") for part, named in differs)
            for at, sep in enumerate(("、", ", "))
        )
        raise RunNotAsSealed(differs_zh=zh, differs_en=en)
