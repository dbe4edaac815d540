"""How every command runs: on the market's database, refusing in both languages, figures as JSON on request."""

import asyncio
import errno
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from datamarket.foundation.errors import Invalid, Language, MarketError

if TYPE_CHECKING:
    from pydantic import ValidationError
    from sqlmodel.ext.asyncio.session import AsyncSession

    from datamarket.foundation.db import Database
    from datamarket.server.database import MarketDatabase


class SettingUnusable(Invalid):
    code = "settings.unusable"
    zh = "环境变量 {name} 的值无法使用：{problem_zh}。"
    en = "The environment variable {name} cannot be used: {problem_en}."


LANGUAGES: tuple[Language, Language] = ("zh", "en")
ResultT = TypeVar("ResultT")
AsJson = Annotated[bool, typer.Option("--json", help="figures as JSON on standard output")]


@contextmanager
def spoken() -> Iterator[None]:
    """A refusal of the market, and a file or a setting that cannot be used, is said in both languages, and exits 2."""
    from pydantic import ValidationError

    from datamarket.foundation.documents.reading import FileUnusable, SystemFault

    try:
        try:
            yield
        except OSError as error:
            if error.filename is None and error.errno != errno.ENOSPC:
                raise
            raise FileUnusable(file=error.filename or "-", reason=SystemFault.of(error)) from error
        except ValidationError as error:
            if error.title != "Settings":
                raise
            raise _unusable(error) from error
    except MarketError as error:
        typer.echo(f"{error.code}: {error.sentence('zh')}\n{error.sentence('en')}", err=True)
        raise typer.Exit(2) from None


def _unusable(error: "ValidationError") -> SettingUnusable:
    """The first of its faults; its value is not said, as it may be a secret."""
    from datamarket.edge.problems import faults_of
    from datamarket.foundation.settings import Settings

    chinese, english = (faults_of(error, language)[0] for language in LANGUAGES)
    name = Settings.model_config["env_prefix"] + english.pointer.removeprefix("/").upper()
    return SettingUnusable(name=name, problem_zh=chinese.message, problem_en=english.message)


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
