"""What `datamarket subsidy` writes for people and for other machines: a run as workbook or bundle, its notice, letters."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from datamarket.commands.running import in_transaction, spoken
from datamarket.commands.subsidy import RunId, RunYearAsked, chosen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlmodel.ext.asyncio.session import AsyncSession

    from datamarket.foundation.settings import Settings
    from datamarket.server.database import MarketDatabase
    from datamarket.subsidy.runs.dossier import RunDossier

app = typer.Typer()


def _page(write: "Callable[[AsyncSession, MarketDatabase], Awaitable[str]]", out: Path) -> None:
    """What is written in one transaction lies in the file, whose name is said."""
    content = in_transaction(write)
    with spoken():
        out.write_text(content, encoding="utf-8")
    typer.echo(str(out))


@app.command()
def bundle(
    run_id: RunId = None,
    year: RunYearAsked = None,
    out: Annotated[Path, typer.Option(help="bundle to write")] = Path("subsidy.zip"),
) -> None:
    """Write a run, sealed before, as one file that `replay` recomputes on any machine without a database."""
    content = in_transaction(lambda session, market: _bundled(session, market.settings, run_id, year))
    with spoken():
        out.write_bytes(content)
    typer.echo(f"{out} · {len(content):,} bytes · SHA-256 {hashlib.sha256(content).hexdigest()}")


async def _bundled(
    session: "AsyncSession", settings: "Settings", run_id: UUID | None, year: int | None
) -> bytes:
    from datamarket.server.sealing import sealer_of
    from datamarket.subsidy.bundles.queries import bundle_of

    view = await chosen(session, settings.ledger_id, run_id, year)
    return await bundle_of(session, view, sealer_of(settings, view.run.ledger_id).notary.reader)


@app.command()
def export(
    run_id: RunId = None,
    year: RunYearAsked = None,
    out: Annotated[Path, typer.Option(help="workbook to write")] = Path("subsidy.xlsx"),
) -> None:
    """Write a run as a workbook that prints: summary, officers, lines, steps and all else that is on file of it."""
    from datamarket.subsidy.studies.workbook import write_workbook

    filed = in_transaction(lambda session, market: _filed(session, market.settings.ledger_id, run_id, year))
    with spoken():
        write_workbook(filed.document, out, filed)
    typer.echo(str(out))


@app.command()
def notice(
    run_id: RunId = None,
    year: RunYearAsked = None,
    out: Annotated[Path, typer.Option(help="page to write")] = Path("notice.html"),
) -> None:
    """Write the notice of a public list, in Chinese, as a page that prints: awards, the last day, how to object."""
    _page(lambda session, market: _noticed(session, market.settings.ledger_id, run_id, year), out)


async def _noticed(session: "AsyncSession", ledger_id: int, run_id: UUID | None, year: int | None) -> str:
    from datamarket.subsidy.objections.notice import notice_of

    return await notice_of(session, await chosen(session, ledger_id, run_id, year))


async def _filed(
    session: "AsyncSession", ledger_id: int, run_id: UUID | None, year: int | None
) -> "RunDossier":
    from datamarket.subsidy.studies.drift import filed_of

    return await filed_of(session, await chosen(session, ledger_id, run_id, year))


@app.command()
def letter(
    recovery_id: Annotated[UUID, typer.Argument(help="id of a decided recovery")],
    out: Annotated[Path, typer.Option(help="page to write, for printing")] = Path("recovery.html"),
) -> None:
    """Write the letter of a decided recovery (追回决定书)."""
    _page(lambda session, _market: _letter(session, recovery_id), out)


async def _letter(session: "AsyncSession", recovery_id: UUID) -> str:
    from datamarket.subsidy.recoveries import queries
    from datamarket.subsidy.recoveries.letter import letter_of

    return letter_of(await queries.written(session, await queries.lock_recovery(session, recovery_id)))


@app.command()
def decision(
    line_id: Annotated[UUID, typer.Argument(help="id of a line whose award is approved")],
    out: Annotated[Path, typer.Option(help="page to write, for printing")] = Path("award.html"),
) -> None:
    """Write the decision letter of an award (奖补决定通知书)."""
    _page(lambda session, _market: _award_letter(session, line_id), out)


async def _award_letter(session: "AsyncSession", line_id: UUID) -> str:
    from datamarket.auth.terms import Actor, Role
    from datamarket.subsidy.lines.letter import letter_of_award
    from datamarket.subsidy.lines.queries import get_line

    reader = Actor(UUID(int=0), None, frozenset({Role.AUDITOR}))  # who has the database sees every row
    return await letter_of_award(session, await get_line(session, line_id, visible_to=reader))
