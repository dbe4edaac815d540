"""`python -m datamarket` is the command `datamarket`."""

from datamarket.cli import app

app()
