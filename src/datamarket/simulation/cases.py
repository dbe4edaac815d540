"""Cases of the city's file, and of a year: from contest or nomination to the lists, and applied for under the call.

Planned first, then played: each step by whose step it is, on its day. Who would object to the public list does it in a
room of its own, when `play_cases` is over and a run is publicised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.foundation.clock import start_of_day
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.simulation import queries
from datamarket.simulation.shapes import Shapes, shapes
from datamarket.simulation.terms import Enterprise, Heard, Stage
from datamarket.subsidy.calls import actions as calls
from datamarket.subsidy.calls import queries as call_queries
from datamarket.subsidy.calls.terms import ApplicationEvent
from datamarket.subsidy.cases import actions as cases
from datamarket.subsidy.cases import queries as case_queries
from datamarket.subsidy.papers.actions import file_text
from datamarket.subsidy.register import queries as register
from datamarket.subsidy.register.actions import load_shipped_schemes
from datamarket.subsidy.runs.whole import CITY_SCHEME

CHUNK = 25
AUDIT, LISTING = "专项审计报告", "入选文件"
PAPERS = (AUDIT, LISTING)
"""What the call asks for."""
OPENS, CLOSES = (1, 6), (2, 14)
"""The window, month and day of the year after; the runs of the market are in March."""
PARTS = ((Fraction(3, 5), Fraction(2, 5)), (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)))
"""How two and three enterprises share a project."""
E = ApplicationEvent
STRAIGHT = (E.SUBMIT, E.ENDORSE, E.VERIFY)
FATES: tuple[tuple[ApplicationEvent, ...], ...] = (
    (E.SUBMIT, E.RETURN, E.SUBMIT, E.ENDORSE, E.VERIFY),
    (E.SUBMIT, E.ENDORSE, E.REJECT),
    (E.SUBMIT, E.WITHDRAW),
)
"""Of the first applications, one each; all others go straight."""
REASONS = {E.RETURN: "审计报告缺页，请补正（模拟）", E.REJECT: "投资与项目无关（模拟）"}


@dataclass(frozen=True)
class PlannedCase:
    """A case and the days on which it entered a list: of the city, and as far as it came."""

    code: str
    field: str
    title_zh: str
    title_en: str
    owners: tuple[Enterprise, ...]
    parts: tuple[Fraction, ...]
    origin: str
    days: tuple[date, ...]
    investment_fen: Fen

    @property
    def shares(self) -> list[tuple[UUID, Fraction]]:
        return [(owner.id, part) for owner, part in zip(self.owners, self.parts, strict=False)]

    def list_of(self, step: int) -> dict[str, Any]:
        """What the register says of its place: level, day, list and number there."""
        level, name = LISTS[step]
        day = self.days[step]
        number = self.code.rpartition("-")[2]
        said = name.format(origin=self.origin, year=day.year)
        return {"level": level, "listed_on": day, "list_name": said, "list_number": number}


LISTS = (
    ("city", "虚构市级{origin}名单{year}年"),
    ("provincial", "虚构省级名单{year}年"),
    ("national", "虚构国家级名单{year}年"),
)


def plan_cases(
    random: Random, shape: Shapes, year: int, enterprises: Sequence[Enterprise], *, known: int
) -> list[PlannedCase]:
    """As many as the register lacks: fields and titles in turn, days within the year."""
    wanted = max(0, shape.cases - known)
    return [
        _plan(random, shape, year, enterprises, code=f"SIM-{number:03d}", title=title)
        for number, title in enumerate(shape.case_titles[:wanted], known + 1)
    ]


def _plan(
    random: Random,
    shape: Shapes,
    year: int,
    enterprises: Sequence[Enterprise],
    *,
    code: str,
    title: tuple[str, str, str],
) -> PlannedCase:
    joint = _drawn(random, shape.joint_share)
    parts = random.choice(PARTS) if joint else ()
    steps = 1 if not _drawn(random, shape.provincial_share) else 2
    if steps > 1 and _drawn(random, shape.national_share / shape.provincial_share):
        steps = 3
    day, days = date(year, 2, 1) + timedelta(random.randrange(60)), []
    for _ in range(steps):
        days.append(day)
        day += timedelta(60 + random.randrange(60))
    return PlannedCase(
        code,
        *title,
        tuple(random.sample(enterprises, len(parts) or 1)),
        parts,
        random.choice(("大赛", "推荐")),
        tuple(days),
        shape.investment(random),
    )


def _drawn(random: Random, share: Fraction) -> bool:
    return random.randrange(share.denominator) < share.numerator


async def enter_case(
    session: AsyncSession,
    row: Mapping[str, str],
    owner: UUID,
    *,
    offices: Mapping[str, Actor],
    papers: Path,
) -> None:
    """On the day on which it was listed; its report is as invented as the case."""
    note, listed_on = row["note"], date.fromisoformat(row["listed_on"])
    investment, now = int(row["investment_fen"]), datetime.combine(listed_on, time(2), tzinfo=UTC)
    case = await cases.register_case(
        session,
        offices["authority"],
        code=row["code"],
        enterprise_id=owner,
        title_zh=row["title_zh"],
        title_en=row["title_en"],
        field=row["field"],
        level=row["level"],
        listed_on=listed_on,
        list_name=row["list_name"],
        list_number=row["list_number"],
        investment_fen=investment,
        claimed_elsewhere=note if "already claimed" in note else None,
        now=now,
    )
    if row["investment_verified"] == "true":
        verifier, report = offices["authority2"], f"虚构专项审计报告 {case.code} {investment} fen"
        paper = await file_text(session, verifier, papers, f"{case.code}.txt", report, now=now)
        await cases.verify_case(session, verifier, case, investment_fen=investment, paper=paper, now=now)


async def play_cases(
    database: Database, papers: Path, heard: Heard, *, city_code: str, year: int, seed: int
) -> int:
    """The register filled up, the call opened, applications decided, one case revoked; how many cases were entered."""
    async with database.transaction() as session:
        offices = await queries.offices(session)
        enterprises = await queries.enterprises(session, city_code)
        known = await queries.count_cases(session)
    planned = plan_cases(Random(f"{seed}/{year}/cases"), shapes(), year, enterprises, known=known)
    entered: dict[str, UUID] = {}
    for first in range(0, len(planned), CHUNK):
        async with database.transaction() as session:
            for case in planned[first : first + CHUNK]:
                entered[case.code] = await _register(session, offices, case, papers)
                heard(Stage.CASE, 1)
    applying = [case for case in planned if len(case.days) == len(LISTS)]
    if applying:
        async with database.transaction() as session:
            call_id = await _open_call(session, offices["authority3"], year)
        for number, case in enumerate(applying):
            fate = FATES[number] if number < len(FATES) else STRAIGHT
            async with database.transaction() as session:
                about = {"call_id": call_id, "case_id": entered[case.code]}
                await _apply(session, offices, case, fate, folder=papers, **about)
            heard(Stage.CASE, 1)
        async with database.transaction() as session:
            await _revoke(session, offices["authority"], entered[applying[-1].code], year)
    return len(planned)


async def _register(
    session: AsyncSession, offices: Mapping[str, Actor], case: PlannedCase, folder: Path
) -> UUID:
    """Registered at the city by one officer; another enters each higher list that it comes to."""
    row = await cases.register_case(
        session,
        offices["authority"],
        shares=case.shares,
        code=case.code,
        enterprise_id=case.owners[0].id,
        title_zh=case.title_zh,
        title_en=case.title_en,
        field=case.field,
        investment_fen=case.investment_fen,
        claimed_elsewhere=None,
        now=start_of_day(case.days[0]),
        **case.list_of(0),
    )
    for step in range(1, len(case.days)):
        place = case.list_of(step)
        officer, now = offices["authority2"], start_of_day(case.days[step])
        said = f"{place['list_name']}第 {place['list_number']} 号（模拟）"
        paper = await file_text(session, officer, folder, f"{case.code}-{place['level']}.txt", said, now=now)
        await cases.promote_case(session, officer, row, cases.HigherList(**place, paper=paper), now=now)
    return row.id


async def _open_call(session: AsyncSession, officer: Actor, year: int) -> UUID:
    now = start_of_day(date(year + 1, *OPENS))
    await load_shipped_schemes(session, officer, now=now)
    version = await register.approved_version(session, CITY_SCHEME)
    if version is None:
        raise LookupError(CITY_SCHEME)
    call = await calls.open_call(
        session,
        officer,
        version,
        year=year,
        opens_on=date(year + 1, *OPENS),
        closes_on=date(year + 1, *CLOSES),
        papers=PAPERS,
        district_step=True,
        now=now,
    )
    return call.id


async def _apply(
    session: AsyncSession,
    offices: Mapping[str, Actor],
    case: PlannedCase,
    fate: Sequence[ApplicationEvent],
    *,
    folder: Path,
    call_id: UUID,
    case_id: UUID,
) -> None:
    """One application, a step in five days: the enterprise's own, the district's by one officer, verified by another."""
    call = await call_queries.get_call(session, call_id)
    owner, now = case.owners[0].actor, start_of_day(call.opens_on)
    filed = {
        name: await file_text(
            session,
            owner,
            folder,
            f"{case.code}-{name}.txt",
            f"虚构{name} {case.code} {case.investment_fen} fen",
            now=now,
        )
        for name in PAPERS
    }
    row = await calls.begin_application(session, owner, call, case_id=case_id, now=now)
    hands = {E.SUBMIT: owner, E.WITHDRAW: owner, E.ENDORSE: offices["authority"]}
    for event in fate:
        now += timedelta(days=5)
        submitted = {name: paper.id for name, paper in filed.items()} if event is E.SUBMIT else None
        await calls.move_application(
            session,
            hands.get(event, offices["authority2"]),
            row,
            event,
            papers=submitted,
            investment_fen=case.investment_fen,
            paper=filed[AUDIT],
            reason=REASONS.get(event),
            now=now,
        )


async def _revoke(session: AsyncSession, officer: Actor, case_id: UUID, year: int) -> None:
    case = await case_queries.lock_case(session, case_id, visible_to=officer)
    reason, now = "经查成果失实，撤销入选（模拟）", start_of_day(date(year + 1, 2, 20))
    await cases.revoke_case(session, officer, case, reason=reason, now=now)
