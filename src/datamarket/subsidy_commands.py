"""`datamarket subsidy`: evaluate files, run over the ledger, study, replay, export.

Imports stand inside the commands: `evaluate` works without a database.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

if TYPE_CHECKING:
    from datamarket.foundation.db import Database
    from datamarket.place import Place

app = typer.Typer(no_args_is_help=True, help="Subsidy: run over the ledger, evaluate files, what-if, replay.")
ResultT = TypeVar("ResultT")
AsJson = Annotated[bool, typer.Option("--json", help="figures as JSON on standard output")]
RunId = Annotated[UUID, typer.Argument(help="id of the run")]
REFUSED_SHOWN = 20


@contextmanager
def _spoken() -> Iterator[None]:
    """A refusal of the market is printed in both languages, and exits 2."""
    from datamarket.foundation.errors import MarketError  # noqa: PLC0415

    try:
        yield
    except MarketError as error:
        typer.echo(f"{error.code}: {error.sentence('zh')}\n{error.sentence('en')}", err=True)
        raise typer.Exit(2) from None


def _at_place(work: Callable[["Database", "Place"], Awaitable[ResultT]]) -> ResultT:
    """Do it on the market's database."""
    from datamarket.foundation.db import Database  # noqa: PLC0415
    from datamarket.place import opened_place  # noqa: PLC0415

    async def done(place: "Place") -> ResultT:
        database = await Database(place.url, place.settings.pool_size).open()
        try:
            return await work(database, place)
        finally:
            await database.close()

    with _spoken(), opened_place() as place:
        return asyncio.run(done(place))


def _print_json(figures: object) -> None:
    json.dump(figures, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


@app.command()
def evaluate(
    scheme: Annotated[Path, typer.Argument(help="scheme file (YAML)")],
    facts: Annotated[
        Path, typer.Argument(help="folder with enterprises.csv and projects.csv, or a workbook")
    ],
    year: Annotated[int, typer.Option(min=2000, max=2999)],
    as_json: AsJson = False,
    xlsx: Annotated[Path | None, typer.Option(help="write a workbook for people")] = None,
) -> None:
    """Evaluate a scheme over files: no database, no ledger, the same pure evaluator."""
    from datamarket.subsidy.evaluation import evaluate_files  # noqa: PLC0415
    from datamarket.subsidy.workbook import write_workbook  # noqa: PLC0415

    with _spoken():
        document = evaluate_files(scheme, facts, year)
        if xlsx is not None:
            write_workbook(document, xlsx)
    if as_json:
        _print_json(document)
    else:
        _print_document(document)


@app.command()
def run(
    year: Annotated[int, typer.Option(min=2000, max=2999)],
    username: Annotated[str, typer.Option("--as", help="account of the officer who calculates")],
    scheme: Annotated[str, typer.Option(help="id of a scheme")] = "qd-data-element",
    as_json: AsJson = False,
) -> None:
    """Take the snapshot of a year that is over and calculate it; review, approval and payment follow in the API."""
    document = _at_place(lambda database, place: _calculated(database, place, username, scheme, year))
    if as_json:
        _print_json(document)
    else:
        typer.echo(f"run {document['run_id']}")
        _print_document(document)


async def _calculated(
    database: "Database", place: "Place", username: str, scheme: str, year: int
) -> dict[str, Any]:
    """As far as one hand may go: whoever calculates does not review."""
    from datamarket.auth.queries import find_account_by_name  # noqa: PLC0415
    from datamarket.auth.terms import Actor, Role  # noqa: PLC0415
    from datamarket.foundation.clock import read_clock  # noqa: PLC0415
    from datamarket.foundation.errors import NotFound  # noqa: PLC0415
    from datamarket.subsidy import actions, dossier, queries  # noqa: PLC0415
    from datamarket.subsidy.lifecycle import RunEvent  # noqa: PLC0415

    now = read_clock()
    async with database.transaction() as session:
        account = await find_account_by_name(session, username)
        if account is None or not account.active:
            raise NotFound(thing="account")
        officer = Actor(account.id, account.participant_id, frozenset(Role(role) for role in account.roles))
        await actions.load_shipped_schemes(session, officer, now=now)
        opened = await actions.open_run(
            session, officer, place.settings.ledger_id, scheme_id=scheme, year=year, cutoff=None, now=now
        )
        for event in (RunEvent.SNAPSHOT, RunEvent.CALCULATE):
            await actions.move_run(session, officer, opened.id, event, now=now)
        view = await queries.get_run(session, opened.id)
        return await dossier.document_of(session, view) | {"run_id": str(opened.id)}


@app.command("what-if")
def what_if(
    run_id: RunId,
    changes: Annotated[
        list[str],
        typer.Option(
            "--set",
            help='path=value, such as top-ten-turnover.rate=1.5%, or a dated value as JSON: {"2024-01-01":"1.5%"}',
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Evaluate the run's own snapshot under other parameters; nothing is stored."""
    wanted = dict(_parameter(change) for change in changes)
    figures = _at_place(lambda database, _place: _studied(database, run_id, wanted))
    if as_json:
        _print_json(figures)
    else:
        _print_comparison(figures)


def _parameter(change: str) -> tuple[str, Any]:
    path, _, value = change.partition("=")
    try:
        return path.strip(), json.loads(value)
    except ValueError:
        return path.strip(), value


async def _studied(database: "Database", run_id: UUID, changes: Mapping[str, Any]) -> dict[str, Any]:
    from datamarket.subsidy import dossier, queries  # noqa: PLC0415

    async with database.transaction() as session:
        view = await queries.get_run(session, run_id)
        return (await dossier.what_if_of(session, view, changes)).comparison.to_json()


@app.command()
def replay(run_id: RunId, as_json: AsJson = False) -> None:
    """Recompute a run from its stored bytes; exit 1 when it does not agree."""
    found = _at_place(lambda database, _place: _replayed(database, run_id))
    if as_json:
        _print_json(found)
    else:
        for name, value in found.items():
            typer.echo(f"{name:<16} {value}")
    if not found["agrees"]:
        raise typer.Exit(1)


async def _replayed(database: "Database", run_id: UUID) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415

    from datamarket.subsidy.replay import replay_run  # noqa: PLC0415

    async with database.transaction() as session:
        found = await replay_run(session, run_id)
    return asdict(found) | {"agrees": found.agrees}


@app.command()
def export(
    run_id: RunId, out: Annotated[Path, typer.Option(help="workbook to write")] = Path("subsidy.xlsx")
) -> None:
    """Write a run as a workbook: summary, lines, every step."""
    from datamarket.subsidy.workbook import write_workbook  # noqa: PLC0415

    document = _at_place(lambda database, _place: _documented(database, run_id))
    with _spoken():
        write_workbook(document, out)
    typer.echo(str(out))


async def _documented(database: "Database", run_id: UUID) -> dict[str, Any]:
    from datamarket.subsidy import dossier, queries  # noqa: PLC0415

    async with database.transaction() as session:
        return await dossier.document_of(session, await queries.get_run(session, run_id))


def _print_document(document: Mapping[str, Any]) -> None:
    """The awards as a table, then why others got none."""
    from rich.console import Console  # noqa: PLC0415

    from datamarket.foundation.money import yuan  # noqa: PLC0415

    console = Console()
    lines: Sequence[Mapping[str, Any]] = document["lines"]
    console.print(_awards([line for line in lines if line["amount_fen"] > 0], document))
    refused = [line for line in lines if line["status"] in {"ineligible", "held", "displaced"}]
    for line in refused[:REFUSED_SHOWN]:
        console.print(
            f"{line['clause']} · {line['candidate']} {line['name']}: {line['explanation']['zh']}",
            markup=False,
        )
    if len(refused) > REFUSED_SHOWN:
        console.print(f"… {len(refused) - REFUSED_SHOWN} 条未列出 more, see --json or --xlsx", markup=False)
    console.print(f"合计 total {yuan(document['total_fen'], grouped=True)} 元 CNY", markup=False)
    console.print(f"result sha256 {document['result_sha256']}", markup=False)


def _awards(lines: Sequence[Mapping[str, Any]], document: Mapping[str, Any]) -> Any:
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from datamarket.foundation.money import yuan  # noqa: PLC0415

    table = Table(title=f"{document['scheme']} · {document['year']}", title_justify="left")
    for heading in ("条款 clause", "对象 candidate", "名称 name"):
        table.add_column(heading, overflow="fold")
    for heading in ("排名 rank", "基数 base", "比例 rate", "金额 award"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        table.add_row(
            escape(line["clause"]),
            escape(line["candidate"]),
            escape(line["name"]),
            str(line["rank"] or ""),
            yuan(line["base_fen"], grouped=True),
            (line["rate"] or "") + (" ≤ cap" if line["cap_bound"] else ""),
            yuan(line["amount_fen"], grouped=True),
        )
    return table


def _print_comparison(figures: Mapping[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415

    from datamarket.foundation.money import yuan  # noqa: PLC0415

    console = Console()
    console.print("测算 what-if: not an award", markup=False)
    for name in ("before_fen", "after_fen", "delta_fen"):
        console.print(f"{name:<12} {yuan(figures[name], grouped=True):>18}", markup=False)
    for change in figures["changes"]:
        if change["move"] != "unchanged":
            before, after = yuan(change["before_fen"], grouped=True), yuan(change["after_fen"], grouped=True)
            told = f"{change['clause']} · {change['candidate']} {change['name']}: {before} → {after} ({change['reason']})"
            console.print(told, markup=False)
