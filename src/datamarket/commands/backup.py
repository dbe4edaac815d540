"""`datamarket backup` and `restore`: the embedded server, kept second by second, and as it was at an instant."""

import signal
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamarket.commands.evidence import print_loss
from datamarket.commands.running import on_market, spoken

if TYPE_CHECKING:
    from datamarket.evidence.log.findings import AcceptedLoss
    from datamarket.foundation.db import Database
    from datamarket.server.database import MarketDatabase

app = typer.Typer(add_completion=False)
Kept = Annotated[Path, typer.Argument(help="where backups are kept: on another disk")]


@app.command()
def backup(
    folder: Kept, once: Annotated[bool, typer.Option(help="a base alone, without the log after it")] = False
) -> None:
    """A base backup, then the log second by second until it is stopped."""
    from datamarket.foundation.settings import Settings
    from datamarket.server.backups import back_up

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with spoken(), suppress(KeyboardInterrupt):
        typer.echo(str(back_up(Settings(), folder.resolve(), follow=not once)))


@app.command()
def restore(
    folder: Kept,
    to: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z"], help="2026-11-22T10:15:00+0800; else the end of the log"
        ),
    ] = None,
) -> None:
    """The database as it was at an instant, checked; with the list of acknowledged writes that are not there."""
    from datamarket.foundation.settings import Settings
    from datamarket.server.backups import restore as restored
    from datamarket.server.terminal import check_with_progress, print_results

    async def looked_at(database: "Database", market: "MarketDatabase") -> tuple[bool, "AcceptedLoss | None"]:
        from datamarket.evidence.losses.acceptance import NothingLost
        from datamarket.server.sealing import find_loss

        results = await check_with_progress(database, market.url, market.settings.ledger_id)
        print_results(results)
        holds = all(found.holds for found in results)
        try:
            return holds, await find_loss(market.url, market.settings)
        except NothingLost:
            return holds, None

    with spoken():
        server = restored(Settings(), folder.resolve(), to)
    try:
        holds, loss = on_market(looked_at)
    finally:
        server.cleanup()
    if loss is None:
        typer.echo("库外所知的已确认写入均在库中 · nothing that the outside knows of is missing")
    else:
        print_loss(loss)
        typer.echo("请由两人确认 · two people accept it: datamarket accept-loss")
    if not holds:
        raise typer.Exit(1)
