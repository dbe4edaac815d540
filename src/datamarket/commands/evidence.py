"""`datamarket seal`, `verify`, `accept-loss` and `export-evidence`: the sealed log of entries and audit events."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from datamarket.commands.running import AsJson, on_market, show

if TYPE_CHECKING:
    from datamarket.evidence.log.findings import AcceptedLoss, Verdict
    from datamarket.foundation.db import Database
    from datamarket.server.database import MarketDatabase

app = typer.Typer(add_completion=False)
CONNECTIONS = 2
MOST_SHOWN = 20
"""Rows of a loss at the terminal; `verify --json` tells all."""


@app.command()
def seal() -> None:
    """Seal whatever is not sealed yet, pass after pass; writes the checkpoints that are missing outside."""
    leaves = on_market(_seal)
    typer.echo(f"{leaves:,} 个叶子已封存 · leaves sealed")


async def _seal(database: "Database", market: "MarketDatabase") -> int:
    from datamarket.foundation.clock import read_clock
    from datamarket.server.sealing import seal_all

    return await seal_all(
        database, market.settings, read_clock, lambda total: typer.echo(f"  … {total:,}", err=True)
    )


@app.command()
def verify(
    outside: Annotated[
        Path | None,
        typer.Option("--from", help="folder of checkpoints and key.txt kept elsewhere; else those below var"),
    ] = None,
    connections: Annotated[int, typer.Option(min=1, max=16, help="how many share the work")] = CONNECTIONS,
    as_json: AsJson = False,
) -> None:
    """Take every leaf, tree, root and signature anew from the rows; exit 1 and name the first bad leaf."""
    report = on_market(lambda _database, market: _verify(market, outside, connections))
    show(report.as_json(), lambda _figures: _print(report), as_json=as_json)
    if not report.holds:
        raise typer.Exit(1)


async def _verify(market: "MarketDatabase", outside: Path | None, connections: int) -> "Verdict":
    from rich.console import Console
    from rich.progress import Progress

    from datamarket.server.sealing import verify_log

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("叶子 · leaves", total=None)

        def heard(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        return await verify_log(
            market.url, market.settings, outside=outside, connections=connections, progress=heard
        )


def _print(report: "Verdict") -> None:
    typer.echo(
        f"{report.leaves:,} 个叶子 leaves · {report.blocks:,} 个区块 blocks · "
        f"{report.outside:,} 个库外检查点 checkpoints from outside · root {report.root.hex()}"
    )
    for finding in report.findings:
        zh, en = finding.flaw.labels
        typer.echo(f"✗ {finding.name}: {zh} · {en}")
    first = report.first_bad_leaf
    if first is not None:
        row = f"{first.kind} {first.id}" if first.id else "其记录已不在库中 · its row is gone"
        typer.echo(f"首个不符的叶子 · first bad leaf: {first.index} ({row})")
    for loss in report.accepted:
        typer.echo(f"⚠ 纪元 epoch {loss.epoch}: 已确认接受的丢失 · loss accepted by {', '.join(loss.people)}")
        print_loss(loss)
    if report.holds:
        typer.echo("全部相符 · everything agrees")


def print_loss(loss: "AcceptedLoss") -> None:
    """What is missing, as far as the outside knows."""
    typer.echo(f"  叶子 leaves {loss.kept:,} → {loss.sealed:,}: {loss.sealed - loss.kept:,} 缺失 gone")
    typer.echo(f"  未封存记录 rows not sealed: {len(loss.rows) + loss.unnamed:,} 缺失 gone")
    for row in loss.rows[:MOST_SHOWN]:
        typer.echo(f"    {row}")
    typer.echo(f"  期间 between {loss.since or '—'} → {loss.until or '—'}")
    typer.echo(f"  已确认位置 acknowledged position: {loss.timeline or '—'} {loss.lsn or ''}")
    if loss.reason:
        typer.echo(f"  原因 reason: {loss.reason}")


@app.command("accept-loss")
def accept_loss(
    first: Annotated[str, typer.Argument(help="user name of an overseer")],
    second: Annotated[str, typer.Argument(help="of another one")],
    reason: Annotated[str, typer.Option(help="what happened, for the record")],
    outside: Annotated[
        Path | None,
        typer.Option("--from", help="folder of checkpoints and key.txt kept elsewhere; else those below var"),
    ] = None,
) -> None:
    """List what is missing after a failover or a restore; with both passwords, accept it and begin an epoch."""

    async def accepted(database: "Database", market: "MarketDatabase") -> int:
        from datamarket.auth.actions import person_of
        from datamarket.evidence.losses.acceptance import accept_loss
        from datamarket.foundation.clock import read_clock
        from datamarket.server.sealing import find_loss, sealer_of

        loss = await find_loss(market.url, market.settings, outside=outside)
        print_loss(loss)
        people = []
        for name in (first, second):
            password = typer.prompt(f"密码 password of {name}", hide_input=True)
            async with database.transaction(reading=True) as session:
                people.append(await person_of(session, name, password))
        sealer = sealer_of(market.settings)
        return await accept_loss(database, sealer, loss, people, reason=reason, now=read_clock())

    typer.echo(f"新纪元已开启 · an epoch has begun: {on_market(accepted):,} 个叶子 leaves")


@app.command("export-evidence")
def export_evidence(folder: Path) -> None:
    """Write a bundle that tools/verify_evidence.py verifies without us."""
    from datamarket.server.sealing import export_log

    for path in on_market(lambda _database, market: export_log(market.url, market.settings, folder)):
        typer.echo(str(path))
