"""`datamarket serve`, `seed`, `simulate`, `demo`, `report` and `open-account`: a market, and what happens in it."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamarket.commands.running import AsJson, on_market, print_json, spoken

if TYPE_CHECKING:
    from datamarket.foundation.db import Database

app = typer.Typer(add_completion=False)
Folder = Annotated[Path, typer.Option(help="the city's files")]
Enterprises = Annotated[int, typer.Option(min=20, max=20_000)]
Trades = Annotated[int, typer.Option(min=100, max=10_000_000)]
Seed = Annotated[int, typer.Option("--seed", help="the same seed makes the same books")]
Stress = Annotated[bool, typer.Option(help="three enterprises over 20 million: the cap binds")]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 1,
) -> None:
    """Start the API; the embedded database is made and migrated when it is not there yet."""
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(_start_server)  # while the application's modules load: a second saved
        import uvicorn

        import datamarket.server.app  # noqa: F401
        from datamarket.edge import logs
        from datamarket.server.database import opened_database

        starting.result()
    with opened_database() as market:
        os.environ["DATABASE_URL"] = market.url
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # the embedded server stops with us
        typer.echo(f"API http://{host}:{port}/docs", err=True)
        uvicorn.run(
            "datamarket.server.app:from_environment",
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
    """Bring the embedded server up early; `opened_database` then joins it."""
    from datamarket.foundation.embedded import embedded_server
    from datamarket.foundation.settings import Settings

    settings = Settings()
    if not settings.database_url:
        embedded_server(settings.server_folder)


@app.command()
def report(
    span: Annotated[str, typer.Argument(help="a month such as 202412, or a year such as 2024")],
    xlsx: Annotated[Path | None, typer.Option(help="write a workbook for people")] = None,
    csv: Annotated[Path | None, typer.Option(help="write one table as CSV")] = None,
    as_json: AsJson = False,
) -> None:
    """The books of a month or a year: trial balance, income by destination, VAT and fees, clearing accounts."""
    from datamarket.ledger.reports import queries, terminal
    from datamarket.ledger.reports.rules import BooksReport

    async def read(database: "Database", ledger_id: int) -> BooksReport:
        async with database.transaction() as session:
            return await queries.report_of(session, ledger_id, span)

    found = on_market(lambda database, market: read(database, market.settings.ledger_id))
    if xlsx is not None:
        xlsx.write_bytes(queries.as_workbook(found))
    if csv is not None:
        csv.write_bytes(queries.as_csv(found))
    if as_json:
        print_json(terminal.document_of(found))
    elif xlsx is None and csv is None:
        terminal.print_report(found)


@app.command("open-account")
def open_account(
    username: str,
    role: Annotated[list[str], typer.Option(help="one or more of the roles in docs/api.md")],
    participant: Annotated[
        str | None, typer.Option(help="unified social credit code of the organisation")
    ] = None,
) -> None:
    """Open an account with a random password, printed once: how the first administrator comes to be."""
    from datamarket.accounts.actions import open_with_random_password
    from datamarket.auth.terms import Role
    from datamarket.foundation.clock import read_clock

    try:
        roles = {Role(name) for name in role}
    except ValueError as error:
        raise typer.BadParameter(f"{error}; roles: {', '.join(Role)}") from None

    async def opened(database: "Database") -> str:
        async with database.transaction() as session:
            return await open_with_random_password(
                session, username=username, roles=roles, uscc=participant, now=read_clock()
            )

    password = on_market(lambda database, _market: opened(database))
    typer.echo(f"{username}  {password}")


@app.command()
def seed(folder: Folder = Path("seed")) -> None:
    """Load the city: participants, zones, resources, products, listings, cases; through the actions."""
    from datamarket.commands.demo.year import seed_city
    from datamarket.server.database import opened_database

    with spoken(), opened_database() as market:
        asyncio.run(seed_city(market, folder))


@app.command()
def simulate(
    years: Annotated[list[int], typer.Option(help="which business years")] = [2024],  # noqa: B006 - typer copies it
    enterprises: Enterprises = 300,
    trades: Trades = 20_000,
    seed_number: Seed = 7,
    stress: Stress = False,
    as_json: AsJson = False,
) -> None:
    """Let market years happen in a seeded city, through the real actions."""
    from datamarket.commands.demo.year import simulate_years
    from datamarket.server.database import opened_database

    with spoken(), opened_database() as market:
        asyncio.run(
            simulate_years(
                market,
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
    folder: Folder = Path("seed"),
    enterprises: Enterprises = 300,
    trades: Trades = 20_000,
    seed_number: Seed = 7,
    stress: Stress = False,
) -> None:
    """The main job: a new market, a year of trade, settled books, both subsidies explained."""
    from datamarket.commands.demo.year import run_demo
    from datamarket.server.database import rebuilt_database

    with spoken(), rebuilt_database() as market:
        asyncio.run(
            run_demo(market, folder, enterprises=enterprises, trades=trades, seed=seed_number, stress=stress)
        )
