"""`datamarket serve`, `seed`, `simulate`, `demo`, `report` and `open-account`: a market, and what happens in it."""

import asyncio
import gc
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamarket.commands.running import AsJson, in_transaction, on_market, show, spoken
from datamarket.foundation.documents.reading import SystemFault
from datamarket.foundation.errors import Conflict

if TYPE_CHECKING:
    from datamarket.server.database import MarketDatabase

WORKER_SECONDS = 60
"""Without an answer a worker is replaced. Loading its modules counts: on a busy machine the usual five seconds
end every worker before it is ready, and its successor too."""
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
    with spoken():
        _check_port(host, port)
        _serve(host, port, workers)


class AddressUnusable(Conflict):
    code = "serve.address-unusable"
    zh = "无法在 {host} 的端口 {port} 上提供服务（{reason}）；请用 --host、--port 另选。"
    en = "{host} port {port} cannot be listened on ({reason}); choose others with --host and --port."


def _check_port(host: str, port: int) -> None:
    """Before anything is started: who comes second is told so. Raises AddressUnusable."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise AddressUnusable(host=host, port=port, reason=SystemFault.of(error)) from error


def _serve(host: str, port: int, workers: int) -> None:
    gc.disable()  # until the application has started: all that is loaded stays
    with ExitStack() as stack:
        stack.callback(gc.enable)  # also where it does not come to a start
        market = _opened_while_loading(stack)

        import uvicorn

        from datamarket.edge import logs
        from datamarket.edge.connections import PatientProtocol
        from datamarket.server.database import check_connections

        asyncio.run(check_connections(market, workers))
        os.environ["DATABASE_URL"] = market.url
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # the embedded server stops with us
        typer.echo(f"API http://{host}:{port}/docs", err=True)
        uvicorn.run(
            "datamarket.server.app:from_environment",
            factory=True,
            host=host,
            port=port,
            http=partial(PatientProtocol, settings=market.settings),  # type: ignore[arg-type] # it is only called
            workers=workers,
            access_log=False,
            server_header=False,
            log_config=logs.configuration(),
            timeout_graceful_shutdown=10,
            timeout_worker_healthcheck=WORKER_SECONDS,
            proxy_headers=bool(market.settings.trusted_proxies),
            forwarded_allow_ips=list(market.settings.trusted_proxies),
        )


def _opened_while_loading(stack: ExitStack) -> "MarketDatabase":
    """The server starts, and the database is migrated, while the application's modules load: two seconds saved."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(_start_server)
        from datamarket import slices
        from datamarket.server.database import opened_database

        slices.files("tables")  # what both need, first: no module is loaded by two at once
        opening = pool.submit(stack.enter_context, opened_database())
        import datamarket.server.app  # noqa: F401

        slices.files("api")
        return opening.result()


def _start_server() -> None:
    """Bring the embedded server up early; `opened_database` then joins it."""
    from datamarket.foundation.settings import Settings
    from datamarket.server.embedded import embedded_server

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

    found = in_transaction(
        lambda session, market: queries.report_of(session, market.settings.ledger_id, span)
    )
    with spoken():
        if xlsx is not None:
            xlsx.write_bytes(queries.as_workbook(found))
        if csv is not None:
            csv.write_bytes(queries.as_csv(found))
    if as_json or (xlsx is None and csv is None):
        show(terminal.document_of(found), lambda _figures: terminal.print_report(found), as_json=as_json)


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

    password = in_transaction(
        lambda session, _market: open_with_random_password(
            session, username=username, roles=roles, uscc=participant, now=read_clock()
        )
    )
    typer.echo(f"{username}  {password}")


@app.command("reset-password")
def reset_password(username: str) -> None:
    """A random password in place of a lost one, printed once; its owner signs in with it and chooses another."""
    from datamarket.accounts.actions import reset_password_of
    from datamarket.foundation.clock import read_clock

    password = in_transaction(lambda session, _market: reset_password_of(session, username, now=read_clock()))
    typer.echo(f"{username}  {password}")


@app.command()
def seed(folder: Folder = Path("seed")) -> None:
    """Load the city: participants, zones, resources, products, listings, cases; through the actions."""
    from datamarket.commands.demo.year import seed_city

    on_market(lambda database, market: seed_city(database, market, folder))


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
    from datamarket.commands.demo.year import YearWanted, print_years, simulate_years

    wanted = YearWanted(enterprises, trades, seed_number, stress)
    played = on_market(lambda database, market: simulate_years(database, market, years, wanted))
    show([asdict(result) for result in played], lambda _figures: print_years(played), as_json=as_json)


@app.command()
def demo(
    folder: Folder = Path("seed"),
    enterprises: Enterprises = 300,
    trades: Trades = 20_000,
    seed_number: Seed = 7,
    stress: Stress = False,
) -> None:
    """The main job: a new market, a year of trade, settled books, both subsidies explained."""
    from datamarket.commands.demo.year import YearWanted, run_demo

    wanted = YearWanted(enterprises, trades, seed_number, stress)
    on_market(lambda database, market: run_demo(database, market, folder, wanted), rebuilt=True)
