"""Is a run what its sealed audit events say? Asked at approval, posting, payment and replay."""

from typing import NamedTuple

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.evidence import queries as evidence
from datamarket.foundation.db import driver
from datamarket.foundation.errors import Conflict
from datamarket.foundation.states import Labelled
from datamarket.subsidy.runs import queries
from datamarket.subsidy.runs.tables import SubsidyRun


class RunPart(Labelled):
    """What the events of a run tell; the words are those of their facts."""

    SCHEME = "scheme_sha256", "方案", "scheme"
    SNAPSHOT = "snapshot_sha256", "快照", "snapshot"
    SNAPSHOT_ROW = "snapshot_row_sha256", "快照附记", "what is kept beside the snapshot"
    RESULT = "result_sha256", "结果", "result"
    TOTAL = "total_fen", "合计", "total"
    LINES = "lines_sha256", "明细", "lines"
    PAYEES = "payees", "收款明细", "lines of payees"
    ROW = "row", "运行登记", "row of the run"
    EVENTS = "events", "审计事件数", "number of audit events"
    LEAF = "leaf", "已封存的审计事件", "sealed audit event"


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
