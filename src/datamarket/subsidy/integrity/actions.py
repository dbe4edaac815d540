"""Running the detectors over a year, and judging what they found."""

from datetime import date, datetime
from typing import Any, NamedTuple

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import CLOCK, Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.clock import business_date
from datamarket.foundation.db import driver
from datamarket.subsidy.integrity import detectors, queries, rules
from datamarket.subsidy.integrity.rules import FLAG_LIFE
from datamarket.subsidy.integrity.tables import IntegrityFlag
from datamarket.subsidy.integrity.terms import Detector, FlagEvent


class Detection(NamedTuple):
    """What a pass found: how many findings of each detector, how many of them are new, lapsed or back."""

    found: dict[Detector, int]
    raised: int
    lapsed: int
    back: int
    cut_short: list[Detector]


async def detect(
    session: AsyncSession, actor: Actor, ledger_id: int, year: int, *, now: datetime
) -> Detection:
    """Look at a year's trades by the parameters of its last day; doing it again raises nothing twice. Raises DetectorsEarly."""
    if year > business_date(now).year:
        raise rules.DetectorsEarly(year=year)
    connection = await driver(session)
    await connection.execute("SET LOCAL work_mem = '128MB'; SET LOCAL plan_cache_mode = force_custom_plan")
    parameters = detectors.parameters_on(date(year, 12, 31))
    findings, cut_short = await detectors.find(connection, ledger_id, year, parameters, as_of=now)
    rows = await queries.raise_flags(
        connection, ledger_id, year, findings, parameters, raised_by=actor.account_id, now=now
    )
    looked = [detector for detector in Detector if detector not in cut_short]
    lapsed, back = await queries.follow(
        connection, ledger_id, year, looked, [finding.sha256 for finding in findings]
    )
    for verb, events in (
        ("raise", [evidence.Event(actor, row["id"], _told(row)) for row in rows]),
        ("lapse", [evidence.Event(CLOCK, row["id"], _row_told(row)) for row in lapsed]),
        ("raise-again", [evidence.Event(actor, row["id"], _row_told(row)) for row in back]),
    ):
        if events:
            await evidence.record_many(connection, f"subsidy.{verb}-flag", "flag", events, now=now)
    found = {detector: sum(one.detector is detector for one in findings) for detector in Detector}
    return Detection(found, len(rows), len(lapsed), len(back), cut_short)


def _told(row: asyncpg.Record) -> dict[str, Any]:
    named = ("detector", "members", "evidence_sha256", "trades", "amount_fen")
    return {name: row[name] for name in named} | _row_told(row)


def _row_told(row: asyncpg.Record) -> dict[str, Any]:
    return {"rows": row["told"]}


async def judge_flag(
    session: AsyncSession,
    actor: Actor,
    flag: IntegrityFlag,
    event: FlagEvent,
    *,
    reason: str | None,
    now: datetime,
) -> IntegrityFlag:
    """Confirm, dismiss or reopen a locked flag. Raises OwnFlag, TransitionNotAllowed, ReasonMissing."""
    after = FLAG_LIFE.after(flag.state, event)
    rules.check_judge(actor, flag.raised_by)
    FLAG_LIFE.check_reason(event, reason)
    flag.state = after
    flag.judged_by, flag.judged_at, flag.reason = actor.account_id, now, reason
    flag.version += 1
    await evidence.record(
        session,
        actor,
        f"subsidy.{event}-flag",
        ("flag", flag.id),
        flag,
        now=now,
        reason=reason,
        detector=flag.detector,
        evidence_sha256=flag.evidence_sha256,
        amount_fen=flag.amount_fen,
    )
    return flag
