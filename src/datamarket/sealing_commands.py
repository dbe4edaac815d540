"""`datamarket seal`, `verify` and `export-evidence`.

Imports stand inside the commands: `--help` must not load the market.
"""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datamarket.evidence.log.findings import Report
    from datamarket.place import Place

app = typer.Typer(add_completion=False)
CONNECTIONS = 2


@app.command()
def seal() -> None:
    """Seal whatever is not sealed yet, pass after pass; writes the checkpoints that are missing outside."""
    from datamarket.place import opened_place  # noqa: PLC0415

    with opened_place() as place:
        leaves = asyncio.run(_seal(place))
    typer.echo(f"{leaves:,} 个叶子已封存 · leaves sealed")


async def _seal(place: "Place") -> int:
    from datamarket.foundation.clock import read_clock  # noqa: PLC0415
    from datamarket.foundation.db import Database  # noqa: PLC0415
    from datamarket.sealing import seal_all  # noqa: PLC0415

    database = await Database(place.url, 1).open()
    try:
        return await seal_all(
            database, place.settings, read_clock, lambda total: typer.echo(f"  … {total:,}", err=True)
        )
    finally:
        await database.close()


@app.command()
def verify(
    outside: Annotated[
        Path | None,
        typer.Option("--from", help="folder of checkpoints and key.txt kept elsewhere; else those below var"),
    ] = None,
    connections: Annotated[int, typer.Option(min=1, max=16, help="how many share the work")] = CONNECTIONS,
    as_json: Annotated[bool, typer.Option("--json", help="figures as JSON on standard output")] = False,
) -> None:
    """Take every leaf, tree, root and signature anew from the rows; exit 1 and name the first bad leaf."""
    from datamarket.evidence.log.notes import NoteUntrusted  # noqa: PLC0415
    from datamarket.place import opened_place  # noqa: PLC0415

    with opened_place() as place:
        try:
            report = asyncio.run(_verify(place, outside, connections))
        except (NoteUntrusted, OSError) as error:
            raise typer.BadParameter(f"{outside}: no key.txt of this log: {error!r}") from None
    if as_json:
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=2))
    else:
        _print(report)
    if not report.holds:
        raise typer.Exit(1)


async def _verify(place: "Place", outside: Path | None, connections: int) -> "Report":
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    from datamarket.sealing import verify_log  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("叶子 · leaves", total=None)

        def heard(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        return await verify_log(
            place.url, place.settings, outside=outside, connections=connections, progress=heard
        )


def _print(report: "Report") -> None:

    typer.echo(
        f"{report.leaves:,} 个叶子 leaves · {report.blocks:,} 个区块 blocks · "
        f"{report.outside:,} 个库外检查点 checkpoints from outside · root {report.root.hex()}"
    )
    for finding in report.findings:
        zh, en = finding.flaw.labels
        typer.echo(f"✗ {finding.name}: {zh} · {en}")
    first = report.first_bad_leaf
    if first is not None:
        typer.echo(f"首个不符的叶子 · first bad leaf: {first.index} ({first.kind} {first.id})")
    if report.holds:
        typer.echo("全部相符 · everything agrees")


@app.command("export-evidence")
def export_evidence(folder: Path) -> None:
    """Write a bundle that tools/verify_evidence.py verifies without us."""
    from datamarket.place import opened_place  # noqa: PLC0415
    from datamarket.sealing import export_log  # noqa: PLC0415

    with opened_place() as place:
        written = asyncio.run(export_log(place.url, place.settings, folder))
    for path in written:
        typer.echo(str(path))
