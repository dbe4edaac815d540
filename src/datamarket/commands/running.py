"""How every command runs: on the market's database, refusing in both languages, figures as JSON on request."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from datamarket.foundation.db import Database
    from datamarket.server.database import MarketDatabase

ResultT = TypeVar("ResultT")
AsJson = Annotated[bool, typer.Option("--json", help="figures as JSON on standard output")]


@contextmanager
def spoken() -> Iterator[None]:
    """A refusal of the market is printed in both languages, and exits 2."""
    from datamarket.foundation.errors import MarketError

    try:
        yield
    except MarketError as error:
        typer.echo(f"{error.code}: {error.sentence('zh')}\n{error.sentence('en')}", err=True)
        raise typer.Exit(2) from None


def on_market(work: Callable[["Database", "MarketDatabase"], Awaitable[ResultT]]) -> ResultT:
    """Do it on the market's database, made and migrated when needed; its pools close afterwards."""
    from datamarket.foundation.db import Database
    from datamarket.server.database import opened_database

    async def done(market: "MarketDatabase") -> ResultT:
        database = await Database(market.url, market.settings.pool_size).open()
        try:
            return await work(database, market)
        finally:
            await database.close()

    with spoken(), opened_database() as market:
        return asyncio.run(done(market))


def print_json(figures: object) -> None:
    """Figures for a program to read."""
    json.dump(figures, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")
