"""The command `datamarket`: serve, migrate, seed, simulate, demo, check, report, subsidy.

Imports stand inside the commands: `subsidy evaluate` must not need a database, and `--help` not a second.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from datamarket import bank_commands, sealing_commands, subsidy_commands

if TYPE_CHECKING:
    from datamarket.ledger.reports.rules import Report

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="A city's public-data marketplace, simulated but complete.",
)
app.add_typer(subsidy_commands.app, name="subsidy")
app.add_typer(bank_commands.app, name="bank")
app.add_typer(sealing_commands.app)
ResultT = TypeVar("ResultT")
AsJson = Annotated[bool, typer.Option("--json", help="figures as JSON on standard output")]


def _run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run one command; a refusal of the market is printed in both languages, and exits 2."""
    from datamarket.foundation.errors import MarketError

    try:
        return asyncio.run(work)
    except MarketError as error:
        typer.echo(f"{error.code}: {error.sentence('zh')}\n{error.sentence('en')}", err=True)
        raise typer.Exit(2) from None


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 1,
) -> None:
    """Start the API; the embedded database is made and migrated when it is not there yet."""
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(
            _start_server
        )  # it starts while the application's modules load: a second saved
        import uvicorn

        import datamarket.app  # noqa: F401
        from datamarket.edge import logs
        from datamarket.place import opened_place

        starting.result()
    with opened_place() as place:
        os.environ["DATABASE_URL"] = place.url
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # the embedded server stops with us
        typer.echo(f"API http://{host}:{port}/docs", err=True)
        uvicorn.run(
            "datamarket.app:from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            server_header=False,
            log_config=logs.configuration(),
            timeout_graceful_shutdown=10,
        )


def _start_server() -> None:
    """Bring the embedded server up early; `opened_place` then joins it."""
    from datamarket.foundation.embedded import embedded_server
    from datamarket.foundation.settings import Settings

    settings = Settings()
    if not settings.database_url:
        embedded_server(settings.server_folder)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from datamarket.place import opened_place

    with opened_place() as place:
        typer.echo(f"schema is up to date: {place.name}")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Recompute every invariant of the books; exit 1 when one is broken."""
    from datamarket.checking import check_with_progress, print_findings
    from datamarket.place import opened_place

    with opened_place() as place:
        findings = _run(check_with_progress(place.url, place.settings.ledger_id))
    print_findings(findings, as_json=as_json)
    if not all(finding.holds for finding in findings):
        raise typer.Exit(1)


@app.command()
def report(
    span: Annotated[str, typer.Argument(help="a month such as 202412, or a year such as 2024")],
    xlsx: Annotated[Path | None, typer.Option(help="write a workbook for people")] = None,
    csv: Annotated[Path | None, typer.Option(help="write one table as CSV")] = None,
    as_json: AsJson = False,
) -> None:
    """The books of a month or a year: trial balance, income by destination, VAT and fees, clearing accounts."""
    from datamarket.ledger.reports import queries as reports
    from datamarket.ledger.reports import terminal as report_terminal
    from datamarket.place import opened_place

    with opened_place() as place:
        found = _run(_report(place.url, place.settings.ledger_id, span))
    if xlsx is not None:
        xlsx.write_bytes(reports.as_workbook(found))
    if csv is not None:
        csv.write_bytes(reports.as_csv(found))
    if as_json:
        print_json(report_terminal.document_of(found))
    elif xlsx is None and csv is None:
        report_terminal.print_report(found)


async def _report(url: str, ledger_id: int, span: str) -> "Report":
    from datamarket.foundation.db import Database
    from datamarket.ledger.reports import queries as reports

    database = Database(url, 1)
    try:
        async with database.transaction() as session:
            return await reports.report_of(session, ledger_id, span)
    finally:
        await database.close()


@app.command("open-account")
def open_account(
    username: str,
    role: Annotated[list[str], typer.Option(help="one or more of the roles in docs/api.md")],
    participant: Annotated[
        str | None, typer.Option(help="unified social credit code of the organisation")
    ] = None,
) -> None:
    """Open an account with a random password, printed once: how the first administrator comes to be."""
    from datamarket.place import opened_place

    with opened_place() as place:
        password = _run(_open_account(place.url, username, role, participant))
    typer.echo(f"{username}  {password}")


async def _open_account(url: str, username: str, roles: list[str], uscc: str | None) -> str:
    from datamarket.accounts.actions import open_with_random_password
    from datamarket.auth.terms import Role
    from datamarket.foundation.clock import read_clock
    from datamarket.foundation.db import Database

    try:
        known = {Role(role) for role in roles}
    except ValueError as error:
        raise typer.BadParameter(f"{error}; roles: {', '.join(Role)}") from None
    database = Database(url, 1)
    async with database.transaction() as session:
        password = await open_with_random_password(
            session, username=username, roles=known, uscc=uscc, now=read_clock()
        )
    await database.close()
    return password


@app.command()
def seed(folder: Annotated[Path, typer.Option(help="the city's files")] = Path("seed")) -> None:
    """Load the city: participants, zones, resources, products, listings, cases; through the actions."""
    from datamarket.place import opened_place
    from datamarket.simulation.demo import seed_city

    with opened_place() as place:
        _run(seed_city(place, folder))


@app.command()
def simulate(
    years: Annotated[list[int], typer.Option(help="which business years")] = [2024],  # noqa: B006 - typer copies it
    enterprises: Annotated[int, typer.Option(min=20, max=20_000)] = 300,
    trades: Annotated[int, typer.Option(min=100, max=10_000_000)] = 20_000,
    seed_number: Annotated[int, typer.Option("--seed", help="the same seed makes the same books")] = 7,
    stress: Annotated[bool, typer.Option(help="three enterprises over 20 million: the cap binds")] = False,
    as_json: AsJson = False,
) -> None:
    """Let market years happen in a seeded city, through the real actions."""
    from datamarket.place import opened_place
    from datamarket.simulation.demo import simulate_years

    with opened_place() as place:
        _run(
            simulate_years(
                place,
                years=years,
                enterprises=enterprises,
                trades=trades,
                seed=seed_number,
                stress=stress,
                as_json=as_json,
            )
        )


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="the city's files")] = Path("seed"),
    enterprises: Annotated[int, typer.Option(min=20, max=20_000)] = 300,
    trades: Annotated[int, typer.Option(min=100, max=10_000_000)] = 20_000,
    seed_number: Annotated[int, typer.Option("--seed")] = 7,
    stress: Annotated[bool, typer.Option()] = False,
) -> None:
    """The main job: a new market, a year of trade, settled books, both subsidies explained."""
    from datamarket.place import rebuilt_place
    from datamarket.simulation.demo import run_demo

    with rebuilt_place() as place:
        _run(run_demo(place, folder, enterprises=enterprises, trades=trades, seed=seed_number, stress=stress))


def print_json(figures: object) -> None:
    """Figures for a program to read."""
    json.dump(figures, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")
