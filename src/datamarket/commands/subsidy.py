"""`datamarket subsidy`: evaluate files, try cases, run over the ledger, study, explain, replay; what it writes is in documents.py."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from datamarket.commands.running import AsJson, in_transaction, show, spoken

if TYPE_CHECKING:
    from sqlmodel.ext.asyncio.session import AsyncSession

    from datamarket.subsidy.runs.queries import RunView

app = typer.Typer(no_args_is_help=True, help="Subsidy: run over the ledger, evaluate files, what-if, replay.")
RunId = Annotated[
    UUID | None,
    typer.Argument(help="id of the run; without one, the run whose list is public, or else the newest"),
]
RunYearAsked = Annotated[int | None, typer.Option(min=2000, max=2999, help="year, where no run is named")]
RUNS_SHOWN = 50
CITY_SCHEME = "qd-data-element"


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
    from datamarket.subsidy.facts.evaluation import evaluate_files
    from datamarket.subsidy.studies import terminal
    from datamarket.subsidy.studies.workbook import write_workbook

    with spoken():
        document = evaluate_files(scheme, facts, year)
        if xlsx is not None:
            write_workbook(document, xlsx)
    show(document, terminal.print_document, as_json=as_json)


@app.command()
def template(
    file: Annotated[Path, typer.Argument(help="workbook to write (.xlsx); with --cases also .yaml")],
    cases: Annotated[bool, typer.Option(help="test cases, with the ten that ship, instead of facts")] = False,
) -> None:
    """Write a workbook to fill in: headings in both languages, lists, a sheet of notes."""
    from datamarket.subsidy.scheme.files import load_scheme, shipped_scheme
    from datamarket.subsidy.studies import examples, template

    with spoken():
        content = examples.shipped_examples()
        if not cases:
            content = template.facts_template(load_scheme(shipped_scheme(CITY_SCHEME)))
        elif file.suffix.lower() == ".xlsx":
            content = template.examples_template(examples.read_examples(content))
        with file.open("xb") as written:  # what somebody filled in already stays
            written.write(content)
    typer.echo(str(file))


@app.command("try")
def try_cases(
    file: Annotated[Path, typer.Argument(help="test cases (.yaml, or .xlsx of two sheets)")],
    scheme: Annotated[Path | None, typer.Option(help="scheme file to try instead of those that ship")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the officers' own test cases: expected beside found, and why; exit 1 when one differs."""
    from dataclasses import asdict

    from datamarket.subsidy.facts.evaluation import read_scheme_file
    from datamarket.subsidy.scheme.files import shipped_scheme
    from datamarket.subsidy.studies import examples, terminal

    with spoken():
        own = {} if scheme is None else dict([read_scheme_file(scheme)])
        found = [
            asdict(examples.run_example(example, lambda named: own.get(named) or shipped_scheme(named)))
            for example in examples.read_example_file(file)
        ]
    show(found, terminal.print_outcomes, as_json=as_json)
    if any(outcome["differences"] for outcome in found):
        raise typer.Exit(1)


@app.command()
def run(
    year: Annotated[int, typer.Option(min=2000, max=2999)],
    username: Annotated[str, typer.Option("--as", help="account of the officer who calculates")],
    scheme: Annotated[str, typer.Option(help="id of a scheme")] = CITY_SCHEME,
    as_json: AsJson = False,
) -> None:
    """Take the snapshot of a year that is over and calculate it; review, approval and payment follow in the API."""
    from datamarket.subsidy.studies import terminal

    document = in_transaction(
        lambda session, market: _calculated(session, market.settings.ledger_id, username, scheme, year)
    )
    if not as_json:
        typer.echo(f"run {document['run_id']}")
    show(document, terminal.print_document, as_json=as_json)


async def _calculated(
    session: "AsyncSession", ledger_id: int, username: str, scheme: str, year: int
) -> dict[str, Any]:
    """As far as one hand may go: whoever calculates does not review."""
    from datamarket.auth.actions import actor_of
    from datamarket.auth.queries import find_account_by_name
    from datamarket.foundation.clock import read_clock
    from datamarket.foundation.errors import NotFound
    from datamarket.subsidy.register import actions as register_actions
    from datamarket.subsidy.runs import actions as run_actions
    from datamarket.subsidy.runs import dossier
    from datamarket.subsidy.runs import queries as run_queries
    from datamarket.subsidy.runs.terms import RunEvent

    now = read_clock()
    account = await find_account_by_name(session, username)
    if account is None or not account.active:
        raise NotFound(thing="account")
    officer = actor_of(account)
    await register_actions.load_shipped_schemes(session, officer, now=now)
    opened = await run_actions.open_run(
        session, officer, ledger_id, scheme_id=scheme, year=year, cutoff=None, now=now
    )
    for event in (RunEvent.SNAPSHOT, RunEvent.CALCULATE):
        await run_actions.move_run(session, officer, opened, event, now=now)
    return await dossier.document_of(session, await run_queries.get_run(session, opened.id))


async def chosen(session: "AsyncSession", ledger_id: int, run_id: UUID | None, year: int | None) -> "RunView":
    """The run that was asked for, or that a year is answered from, or the newest: named on standard error."""
    from datamarket.foundation.db import there
    from datamarket.subsidy.runs import queries as run_queries

    if run_id is not None:
        named = await run_queries.get_run(session, run_id)
        if named.run.superseded_by_id is not None:
            typer.echo(f"该运行已被取代 superseded by {named.run.superseded_by_id}", err=True)
        return named
    chosen, told = await run_queries.decided_run(session, ledger_id, year=year), "已公示的运行 decided run"
    if chosen is None:
        newest = await _newest(session, 1, year)
        chosen, told = there(next(iter(newest), None), "run"), "尚未公示，最新运行 not public, newest run"
    typer.echo(f"{told} {chosen.run.id} · {chosen.run.scheme_id} · {chosen.run.year}", err=True)
    return chosen


async def _newest(session: "AsyncSession", most: int, year: int | None = None) -> list["RunView"]:
    from datamarket.foundation.db import PageAsked
    from datamarket.subsidy.runs.queries import list_runs

    return (await list_runs(session, year=year, page=PageAsked(most)))[:most]


@app.command()
def runs(as_json: AsJson = False) -> None:
    """List the runs, newest first: id, scheme, year, state, total."""
    from datamarket.subsidy.studies import terminal

    found = in_transaction(lambda session, _market: _listed(session))
    show(found, terminal.print_runs, as_json=as_json)


async def _listed(session: "AsyncSession") -> list[dict[str, Any]]:
    return [
        {
            "id": str(view.run.id),
            "scheme": view.run.scheme_id,
            "year": view.run.year,
            "state": view.run.state,
            "total_fen": view.run.total_fen,
        }
        for view in await _newest(session, RUNS_SHOWN)
    ]


@app.command()
def explain(
    run_id: RunId = None,
    year: RunYearAsked = None,
    enterprise: Annotated[str | None, typer.Option(help="unified social credit code")] = None,
    clause: Annotated[str | None, typer.Option(help="id of a clause")] = None,
    as_json: AsJson = False,
) -> None:
    """Say in both languages why each candidate gets what it gets, or why not."""
    document = in_transaction(
        lambda session, market: _documented(session, market.settings.ledger_id, run_id, year)
    )
    lines = [
        line
        for line in document["lines"]
        if enterprise in (None, line["enterprise"]) and clause in (None, line["clause"])
    ]
    if not lines:
        from datamarket.foundation.errors import NotFound

        with spoken():
            raise NotFound(thing="line")
    show(lines, _print_explanations, as_json=as_json)


def _print_explanations(lines: Sequence[Mapping[str, Any]]) -> None:
    from datamarket.subsidy.terms import LineStatus

    for line in lines:
        now = " ".join(LineStatus(line["status"]).labels)
        typer.echo(f"{line['clause']} · {line['candidate']} {line['name']} · {now} · {line['id']}")
        typer.echo(f"  {line['explanation']['zh']}\n  {line['explanation']['en']}")


@app.command("what-if")
def what_if(
    run_id: RunId = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help='path=value, such as top-ten-turnover.rate=1.5%, a dated value as JSON: {"2024-01-01":"1.5%"}, or facts.tax=6%',
        ),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option("--range", help="such as top-ten-turnover.rate=0.5%:0.01%:101 (first:step:count)"),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(help="such as top-ten-turnover=0.5%:0.1%:9,100000:50000:5 (rates,caps[,budget])"),
    ] = None,
    meet: Annotated[
        str | None, typer.Option(help="such as top-ten-turnover=18800000.00:0.01% (budget:step)")
    ] = None,
    out: Annotated[
        list[Path] | None, typer.Option(help="write .json, .csv, .xlsx, .svg or .png; repeatable")
    ] = None,
    year: RunYearAsked = None,
    as_json: AsJson = False,
) -> None:
    """Ask the run's own snapshot: other parameters or facts, a range, a grid, the rate that meets a budget; nothing is stored."""
    from datamarket.subsidy.questions import asking, files
    from datamarket.subsidy.studies import terminal

    with spoken():
        stated = asking.typed(dict(_parameter(change) for change in changes or ()), over, grid, meet)
    plain = not (over or grid or meet or out)
    answer = in_transaction(
        lambda session, market: _studied(
            session, market.settings.ledger_id, run_id, year, stated, plain=plain
        )
    )
    with spoken():
        for path in out or ():
            files.write(answer, path)
    show(answer, terminal.print_comparison if plain else terminal.print_answer, as_json=as_json)


def _parameter(change: str) -> tuple[str, Any]:
    """Amounts and rates stay the text that was typed; only how many are selected is a number."""
    path, _, value = change.partition("=")
    whole = int if path.strip().endswith("select.top") else str
    try:
        return path.strip(), json.loads(value, parse_int=whole, parse_float=str, parse_constant=str)
    except ValueError:
        return path.strip(), value


async def _studied(
    session: "AsyncSession",
    ledger_id: int,
    run_id: UUID | None,
    year: int | None,
    stated: Mapping[str, Any],
    *,
    plain: bool,
) -> dict[str, Any]:
    """The whole answer; of plain changes every candidate before and after."""
    from datamarket.subsidy.questions import actions
    from datamarket.subsidy.studies import comparison

    view = await chosen(session, ledger_id, run_id, year)
    if plain:
        return (await comparison.what_if_of(session, view, stated["set"])).comparison.to_json()
    return await actions.ask(session, view, stated)


@app.command()
def replay(
    target: Annotated[
        str | None, typer.Argument(help="id of the run, or a bundle (.zip): that needs no database")
    ] = None,
    year: RunYearAsked = None,
    key: Annotated[
        Path | None,
        typer.Option(help="verifier's key kept elsewhere (/evidence/key); else that in the bundle"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a run from its stored bytes, or from its bundle; exit 1 when it does not agree."""
    if target is not None and target.lower().endswith(".zip"):
        found = _replayed_bundle(Path(target), key)
    else:
        run_id = _run_id(target)
        found = in_transaction(
            lambda session, market: _replayed(session, market.settings.ledger_id, run_id, year)
        )
    show(found, _print_replay, as_json=as_json)
    if not found["agrees"]:
        zh, en = (sep.join(found["differs"]) for sep in ("、", ", "))
        typer.echo(f"重算不符：{zh}。\nThe replay differs: {en}.", err=True)
        raise typer.Exit(1)


def _run_id(target: str | None) -> UUID | None:
    try:
        return None if target is None else UUID(target)
    except ValueError:
        raise typer.BadParameter(f"neither the id of a run nor a .zip: {target}") from None


def _replayed_bundle(path: Path, key: Path | None) -> dict[str, Any]:
    """No database is opened, and nothing that opens one is imported."""
    from dataclasses import asdict

    from datamarket.subsidy.bundles.replaying import replay_bundle

    with spoken():
        kept = key.read_text(encoding="utf-8") if key else None
        return asdict(replay_bundle(path.name, path.read_bytes(), kept))


def _print_replay(found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        typer.echo(f"{name:<16} {'; '.join(value) if isinstance(value, list) else value}")


async def _replayed(
    session: "AsyncSession", ledger_id: int, run_id: UUID | None, year: int | None
) -> dict[str, Any]:
    from dataclasses import asdict

    from datamarket.subsidy.studies.replay import replay_run

    found = await replay_run(session, (await chosen(session, ledger_id, run_id, year)).run.id)
    return asdict(found) | {"agrees": found.agrees}


async def _documented(
    session: "AsyncSession", ledger_id: int, run_id: UUID | None, year: int | None
) -> dict[str, Any]:
    from datamarket.subsidy.runs import dossier

    return await dossier.document_of(session, await chosen(session, ledger_id, run_id, year))
