"""`python -m datamarket` is the command `datamarket`."""

from datamarket.commands.main import app

app()
