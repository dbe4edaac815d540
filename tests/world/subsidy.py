"""A market year made for the subsidy desk: sellers with turnovers to the fen, cases, and the four officers."""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor, Role
from datamarket.catalogue.listings.terms import PriceModel, PricePlan
from datamarket.catalogue.venues.tables import Venue
from datamarket.catalogue.venues.terms import VenueKind
from datamarket.foundation.db import Database
from datamarket.foundation.money import Fen
from datamarket.participants.affiliations import actions as participants
from datamarket.participants.tables import Participant
from datamarket.participants.terms import ParticipantKind
from datamarket.payouts import queries as payouts
from datamarket.payouts.advice import AdviceTaken, take_advice
from datamarket.payouts.bank.simulated import BankRules, run_bank
from datamarket.payouts.files import write_advice
from datamarket.subsidy.calls import actions as call_actions
from datamarket.subsidy.calls import queries as call_queries
from datamarket.subsidy.calls.tables import SubsidyApplication
from datamarket.subsidy.cases import actions as case_actions
from datamarket.subsidy.cases.tables import SubsidyCase
from datamarket.subsidy.facts.snapshot import TakenSnapshot
from datamarket.subsidy.integrity import actions as integrity_actions
from datamarket.subsidy.integrity.actions import Detection
from datamarket.subsidy.objections import actions as objection_actions
from datamarket.subsidy.objections import queries as objection_queries
from datamarket.subsidy.objections.tables import SubsidyObjection
from datamarket.subsidy.objections.terms import ObjectionEvent
from datamarket.subsidy.papers import actions as paper_actions
from datamarket.subsidy.questions import actions as question_actions
from datamarket.subsidy.questions.drawing import Drawing
from datamarket.subsidy.questions.tables import SubsidyStudy
from datamarket.subsidy.register import actions as register_actions
from datamarket.subsidy.register import queries as register_queries
from datamarket.subsidy.runs import actions as run_actions
from datamarket.subsidy.runs import queries as run_queries
from datamarket.subsidy.runs import whole
from datamarket.subsidy.runs.tables import SubsidyRun
from datamarket.subsidy.runs.terms import RunEvent
from datamarket.subsidy.runs.whole import PAYS_ALL
from datamarket.subsidy.terms import Unit
from datamarket.trading.terms import Trade
from tests.world import catalogue
from tests.world.participants import acting_for, admitted
from tests.world.people import AUTHORITY, actor, moment, unique
from tests.world.trading import LEDGER_ID, Agreement, active_contract, trade

YEAR = 2024
MARCH = datetime(YEAR, 3, 1, 4, tzinfo=UTC)
AFTER_YEAR = datetime(2025, 1, 20, 2, 0, tzinfo=UTC)
"""A Monday: five working days of publicity end with Sunday 26 January 2025, which is worked for the Spring Festival."""
AFTER_PUBLICITY = datetime(2025, 1, 26, 16, 0, tzinfo=UTC)
"""The first instant of 27 January in Qingdao."""
BY_THE_FEN = PricePlan(PriceModel.PER_CALL, Fen(1))
CITY = "qd-data-element"
VERIFIER = actor(Role.AUTHORITY)
"""Another officer of the authority than registers."""
PAPERS = Path(tempfile.mkdtemp(prefix="datamarket_papers_"))


def assert_months_add_up(taken: TakenSnapshot) -> None:
    """What counts of each month and venue is the turnover of the year."""
    for row in taken.snapshot.of_unit(Unit.ENTERPRISE):
        months = str(row.facts.get("sold_by_month", "")).split()
        counted = sum(int(item.partition("=")[2].partition(",")[0]) for item in months)
        assert counted == row.facts["net_platform_turnover"], (row.id, months)


@dataclass(frozen=True)
class Officers:
    """The four hands that a run passes through."""

    calculator: Actor = field(default_factory=lambda: actor(Role.AUTHORITY))
    reviewer: Actor = field(default_factory=lambda: actor(Role.AUTHORITY))
    approver: Actor = field(default_factory=lambda: actor(Role.FINANCE))
    payer: Actor = field(default_factory=lambda: actor(Role.FINANCE))
    cashier: Actor = field(default_factory=lambda: actor(Role.FINANCE))
    """Approves the batches that the payer makes."""

    def of(self, event: RunEvent) -> Actor:
        if event in {RunEvent.PUBLICISE, RunEvent.REJECT}:
            return self.reviewer
        if event is RunEvent.APPROVE:
            return self.approver
        if event in {RunEvent.POST, RunEvent.PAY, RunEvent.CLOSE}:
            return self.payer
        return self.calculator


@dataclass(frozen=True)
class Stage:
    """Two venues, of which one counts, and a buyer related to nobody."""

    database: Database
    venue: Venue
    other_venue: Venue
    buyer: Participant


async def stage(database: Database) -> Stage:
    async with database.transaction() as session:
        return Stage(
            database,
            await catalogue.venue(session),
            await catalogue.venue(session, kind=VenueKind.COPYRIGHT_EXCHANGE, qualified_from=None),
            await admitted(session),
        )


async def enterprise(
    database: Database,
    name: str | None = None,
    *,
    division: str = "370212",
    kind: ParticipantKind = ParticipantKind.ENTERPRISE,
) -> Participant:
    async with database.transaction() as session:
        return await admitted(session, kind, division=division, name=name)


async def sells(
    on: Stage,
    seller: Participant,
    *amounts_fen: int,
    to: Participant | None = None,
    venue: Venue | None = None,
    at: datetime | None = None,
    plan: PricePlan = BY_THE_FEN,
) -> tuple[Agreement, list[Trade]]:
    """One contract, and a trade of each amount under it."""
    agreement = await active_contract(
        on.database, provider=seller, buyer=to or on.buyer, venue=venue or on.venue, plan=plan
    )
    return agreement, [await trade(on.database, agreement, amount, at=at) for amount in amounts_fen]


async def controls(
    database: Database,
    controller: Participant,
    controlled: Participant,
    *,
    since: date,
    until: date | None = None,
    at: datetime | None = None,
) -> None:
    async with database.transaction() as session:
        await participants.affiliate(
            session,
            AUTHORITY,
            controller_id=controller.id,
            controlled_id=controlled.id,
            from_on=since,
            to_on=until,
            now=at or moment(),
        )


async def case(
    database: Database,
    owner: Participant,
    *,
    code: str | None = None,
    title_zh: str | None = None,
    investment_fen: int | None = 200_000_000,
    verified: bool = True,
    level: str = "national",
    listed_on: date = date(YEAR, 5, 24),
    claimed_elsewhere: str | None = None,
    shares: Sequence[tuple[UUID, Fraction]] = (),
    at: datetime | None = None,
) -> SubsidyCase:
    """Registered by the authority, under a title like no other; verified by another of its officers on a paper."""
    code = code or unique("CASE")
    async with database.transaction() as session:
        made = await case_actions.register_case(
            session,
            AUTHORITY,
            code=code,
            enterprise_id=owner.id,
            title_zh=title_zh or hashlib.sha256(code.encode()).hexdigest()[:20],
            title_en=title_zh or hashlib.md5(code.encode()).hexdigest()[:20],  # noqa: S324 - a name
            field="ocean",
            level=level,
            listed_on=listed_on,
            list_name="A list",
            list_number=code,
            investment_fen=investment_fen,
            claimed_elsewhere=claimed_elsewhere,
            shares=shares,
            now=at or moment(),
        )
        if verified:
            await verify(session, made)
        return made


async def application(
    database: Database, owner: Participant, of: SubsidyCase, *, call_id: UUID | None = None, year: int = YEAR
) -> SubsidyApplication:
    """A draft under a call of the shipped scheme, open for years, or under one that is there."""
    async with database.transaction() as session:
        if call_id is not None:
            call = await call_queries.get_call(session, call_id)
            who = acting_for(owner)
            return await call_actions.begin_application(session, who, call, case_id=of.id, now=moment())
        await register_actions.load_shipped_schemes(session, AUTHORITY, now=moment())
        version = await register_queries.approved_version(session, CITY)
        assert version is not None
        call = await call_actions.open_call(
            session,
            AUTHORITY,
            version,
            year=year,
            opens_on=date(YEAR, 1, 1),
            closes_on=date(YEAR + 5, 1, 1),
            papers=["audit"],
            district_step=True,
            now=moment(),
        )
        return await call_actions.begin_application(
            session, acting_for(owner), call, case_id=of.id, now=moment()
        )


async def verify(
    session: AsyncSession, made: SubsidyCase, by: Actor = VERIFIER, *, at: datetime | None = None
) -> None:
    """What was declared, on a paper that says so."""
    now = at or moment()
    report = await paper_actions.file_text(session, by, PAPERS, "audit.txt", f"audit of {made.code}", now=now)
    await case_actions.verify_case(
        session, by, made, investment_fen=made.investment_fen, paper=report, now=now
    )


async def detected(
    database: Database, officers: Officers, *, year: int = YEAR, now: datetime = AFTER_YEAR
) -> Detection:
    """The detectors have looked at a year."""
    async with database.transaction() as session:
        return await integrity_actions.detect(session, officers.calculator, LEDGER_ID, year, now=now)


async def two_sellers_and_a_case(database: Database) -> tuple[Participant, Participant]:
    """The case is the first one's."""
    on = await stage(database)
    first, second = await enterprise(database), await enterprise(database)
    await sells(on, first, 20_000_000, at=MARCH)
    await sells(on, second, 10_000_050, at=MARCH)
    await case(database, first)
    return first, second


async def opened_run(
    database: Database,
    officers: Officers,
    *,
    year: int = YEAR,
    cutoff: datetime | None = None,
    supersedes: UUID | None = None,
    now: datetime = AFTER_YEAR,
) -> SubsidyRun:
    async with database.transaction() as session:
        await register_actions.load_shipped_schemes(session, officers.approver, now=now)
        return await run_actions.open_run(
            session,
            officers.calculator,
            LEDGER_ID,
            scheme_id=CITY,
            year=year,
            cutoff=cutoff,
            supersedes=supersedes,
            now=now,
        )


async def moved(
    database: Database,
    officers: Officers,
    run: SubsidyRun,
    *events: RunEvent,
    now: datetime = AFTER_YEAR,
    reason: str | None = None,
    bank: BankRules | None = PAYS_ALL,
) -> SubsidyRun:
    """One event after the other, each by the officer whose turn it is; what is instructed the bank answers, where there is one."""
    for event in events:
        async with database.transaction() as session:
            locked = await run_queries.lock_run(session, run.id)
            run = await run_actions.move_run(
                session, officers.of(event), locked, event, reason=reason, now=now
            )
        if event is RunEvent.PAY and bank is not None:
            run = await through_bank(database, officers, run, bank, now=now)
    return run


async def objected(database: Database, who: Actor, run: SubsidyRun) -> SubsidyObjection:
    """Against the absence of an enterprise from a list, on its first day."""
    async with database.transaction() as session:
        locked = await run_queries.lock_run(session, run.id)
        return await objection_actions.file_objection(
            session, who, locked, enterprise_id=None, line_id=None, grounds="漏计", stated={}, now=AFTER_YEAR
        )


async def studied(database: Database, who: Actor, run: SubsidyRun) -> SubsidyStudy:
    """What a question to its snapshot gives, kept; its charts are not drawn, which takes a second."""

    async def draw(_chart: object) -> Drawing:
        return Drawing(svg=b"<svg/>", png=b"")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(question_actions, "draw", draw)
        async with database.transaction() as session:
            view = await run_queries.get_run(session, run.id)
            stated = {"set": {"top-ten-turnover.rate": "2%"}}
            return await question_actions.keep_study(session, who, view, stated, now=AFTER_PUBLICITY)


async def judged(database: Database, who: Actor, row: SubsidyObjection, event: ObjectionEvent) -> None:
    async with database.transaction() as session:
        locked = await objection_queries.lock_objection(session, row.id, visible_to=who)
        await objection_actions.move_objection(session, who, locked, event, reason="核对", now=AFTER_YEAR)


async def through_bank(
    database: Database,
    officers: Officers,
    run: SubsidyRun,
    bank: BankRules = PAYS_ALL,
    *,
    now: datetime = AFTER_PUBLICITY,
) -> SubsidyRun:
    """What was instructed, approved, sent and answered."""
    await whole.through_bank(
        database, run, payer=officers.payer, cashier=officers.cashier, bank=bank, now=now
    )
    async with database.transaction() as session:
        return await run_queries.lock_run(session, run.id)


async def answered(
    database: Database, officers: Officers, batch_id: UUID, content: bytes, bank: BankRules = PAYS_ALL
) -> AdviceTaken:
    """The bank's answers to a file of awards, booked."""
    async with database.transaction() as session:
        batch = await payouts.lock_batch(session, LEDGER_ID, batch_id, visible_to=officers.payer)
        answers = write_advice(run_bank(content, bank, 7).advice)
        return await take_advice(session, officers.payer, batch, answers, now=AFTER_PUBLICITY)


async def publicised(database: Database, officers: Officers) -> SubsidyRun:
    run = await opened_run(database, officers)
    return await moved(
        database,
        officers,
        run,
        RunEvent.SNAPSHOT,
        RunEvent.CALCULATE,
        RunEvent.SUBMIT,
        RunEvent.PUBLICISE,
    )
