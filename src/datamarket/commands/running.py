"""How every command runs: on the market's database, refusing in both languages, figures as JSON on request."""

import asyncio
import errno
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from sqlmodel.ext.asyncio.session import AsyncSession

    from datamarket.foundation.db import Database
    from datamarket.server.database import MarketDatabase

ResultT = TypeVar("ResultT")
AsJson = Annotated[bool, typer.Option("--json", help="figures as JSON on standard output")]


@contextmanager
def spoken() -> Iterator[None]:
    """A refusal of the market, and a file that cannot be used, is said in both languages, and exits 2."""
    from datamarket.foundation.documents.reading import FileUnusable
    from datamarket.foundation.errors import MarketError

    try:
        try:
            yield
        except OSError as error:
            if error.filename is None and error.errno != errno.ENOSPC:
                raise
            raise FileUnusable(file=error.filename or "-", reason=error.strerror) from error
    except MarketError as error:
        typer.echo(f"{error.code}: {error.sentence('zh')}\n{error.sentence('en')}", err=True)
        raise typer.Exit(2) from None


def on_market(
    work: Callable[["Database", "MarketDatabase"], Awaitable[ResultT]], *, rebuilt: bool = False
) -> ResultT:
    """Do it on the market's database, made and migrated when needed; its pools close afterwards.

    `rebuilt` is for the demo alone: its own database, made anew.
    """
    from datamarket.foundation.db import Database
    from datamarket.server.database import opened_database, rebuilt_database

    async def done(market: "MarketDatabase") -> ResultT:
        database = await Database(market.url, market.settings.pool_size).open()
        try:
            return await work(database, market)
        finally:
            await database.close()

    with spoken(), rebuilt_database() if rebuilt else opened_database() as market:
        return asyncio.run(done(market))


def in_transaction(work: Callable[["AsyncSession", "MarketDatabase"], Awaitable[ResultT]]) -> ResultT:
    """Do it in one transaction on the market's database: all or nothing."""

    async def done(database: "Database", market: "MarketDatabase") -> ResultT:
        async with database.transaction() as session:
            return await work(session, market)

    return on_market(done)


def show(figures: ResultT, for_people: Callable[[ResultT], None], *, as_json: bool) -> None:
    """Figures for a program to read, or told to a person."""
    if as_json:
        json.dump(figures, sys.stdout, ensure_ascii=False, indent=2, default=str)
        sys.stdout.write("\n")
    else:
        for_people(figures)
