"""`datamarket migrate` and `check`: the schema, and the invariants of what stands in it."""

import typer

from datamarket.commands.running import AsJson, on_market, show, spoken

app = typer.Typer(add_completion=False)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from datamarket.server.database import opened_database

    with spoken(), opened_database() as market:
        typer.echo(f"schema is up to date: {market.name}")


@app.command()
def check(as_json: AsJson = False) -> None:
    """Recompute every invariant of the books; exit 1 when one is broken."""
    from datamarket.server.checks import figures_of
    from datamarket.server.terminal import check_with_progress, print_results

    results = on_market(
        lambda database, market: check_with_progress(database, market.url, market.settings.ledger_id)
    )
    show([figures_of(found) for found in results], lambda _figures: print_results(results), as_json=as_json)
    if not all(found.holds for found in results):
        raise typer.Exit(1)
