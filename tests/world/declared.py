"""What applications declare: invoices and contracts by number, and enterprises that submit them through the real actions."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from datamarket.auth.terms import Role
from datamarket.foundation.db import Database
from datamarket.participants.tables import Participant
from datamarket.subsidy.calls import actions, queries
from datamarket.subsidy.calls.tables import SubsidyApplication
from datamarket.subsidy.calls.terms import ApplicationEvent, Declaration, Declared, DeclaredKind
from datamarket.subsidy.cases.tables import SubsidyCase
from datamarket.subsidy.papers import actions as paper_actions
from tests.world import subsidy
from tests.world.participants import acting_for
from tests.world.people import actor, unique
from tests.world.subsidy import AFTER_YEAR, PAPERS, YEAR

SELLER = "91370200MA3TC3HY1W"
DAY = date(YEAR, 3, 1)


def number() -> str:
    """Of an invoice, like no other."""
    return str(int(unique("x").removeprefix("x-"), 16)).zfill(20)


async def sent(database: Database, owner: Participant, text: str | None = None) -> UUID:
    async with database.transaction() as session:
        made = await paper_actions.file_text(
            session, acting_for(owner), PAPERS, "a.txt", text or unique("paper"), now=AFTER_YEAR
        )
        return made.id


async def invoice(
    database: Database, owner: Participant, fen: int, *, of: str | None = None, text: str | None = None
) -> Declared:
    paper_id = await sent(database, owner, text)
    return Declared(DeclaredKind.INVOICE, of or number(), SELLER, fen, DAY, "数据采购", paper_id)


async def contract(
    database: Database,
    owner: Participant,
    fen: int,
    *,
    of: str | None = None,
    contract_id: UUID | None = None,
    deliveries: int | None = None,
) -> Declared:
    told = Declared(
        DeclaredKind.CONTRACT, of or unique("QD"), SELLER, fen, DAY, "数据采购", await sent(database, owner)
    )
    return Declared(**vars(told) | {"contract_id": contract_id, "deliveries": deliveries})


async def submitted(
    database: Database,
    owner: Participant,
    of: SubsidyCase,
    investment_fen: int,
    items: Sequence[Declared],
    *,
    under: SubsidyApplication | None = None,
    year: int = YEAR,
    now: datetime = AFTER_YEAR,
) -> SubsidyApplication:
    """Under the year's one call of the shipped scheme, or that of another application."""
    made = await subsidy.application(database, owner, of, call_id=under.call_id if under else None, year=year)
    return await moved(database, owner, made, Declaration(investment_fen, items), now=now)


async def moved(
    database: Database,
    owner: Participant,
    made: SubsidyApplication,
    declaration: Declaration | None,
    event: ApplicationEvent = ApplicationEvent.SUBMIT,
    *,
    now: datetime = AFTER_YEAR,
) -> SubsidyApplication:
    who = acting_for(owner) if event is ApplicationEvent.SUBMIT else actor(Role.AUTHORITY)
    papers = {"audit": await sent(database, owner)}
    async with database.transaction() as session:
        row = await queries.lock_application(session, made.id, visible_to=who)
        return await actions.move_application(
            session, who, row, event, papers=papers, declaration=declaration, reason="补正", now=now
        )
