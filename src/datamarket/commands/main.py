"""The command `datamarket`, put together."""

import typer

from datamarket.commands import backup, bank, database, documents, evidence, market, subsidy

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="A city's public-data marketplace, simulated but complete.",
)
for commands in (market.app, database.app, evidence.app, backup.app):
    app.add_typer(commands)
subsidy.app.add_typer(documents.app)
app.add_typer(subsidy.app, name="subsidy")
app.add_typer(bank.app, name="bank")
