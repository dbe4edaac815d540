"""`datamarket bank`: a bank for trying payouts out. It reads and writes files, and knows no database."""

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from datamarket.commands.running import spoken

app = typer.Typer(no_args_is_help=True, help="A simulated bank: payment file in, advice and statements out.")
_DELAY = re.compile(r"(\d{1,2})\.\.(\d{1,2})", re.ASCII)


@app.callback()
def bank() -> None:
    """A simulated bank."""


@app.command()
def run(
    file: Annotated[Path, typer.Option(help="payment file of an approved batch")],
    out: Annotated[Path, typer.Option(help="folder for advice-DAY.csv and statement-DAY.csv")],
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="when the bank takes it; else its own day")
    ] = None,
    refuse_share: Annotated[str | None, typer.Option(help="share of refused payments: 0.05 or 5%")] = None,
    delay_days: Annotated[str | None, typer.Option(help="days until the answer: 0..2")] = None,
    seed: Annotated[int, typer.Option(help="the same seed gives the same answers")] = 7,
    opening: Annotated[str, typer.Option(help="balance in yuan before the first day")] = "0.00",
    rules: Annotated[Path | None, typer.Option(help="YAML in the form of payouts/bank/bank.yaml")] = None,
) -> None:
    """Answer every payment of a file: executed or refused, after some days, with a statement a day."""
    from datamarket.foundation.documents.plain_yaml import MAX_BYTES
    from datamarket.foundation.documents.reading import read_at_most
    from datamarket.foundation.money import parse_rate, parse_yuan
    from datamarket.payouts import files
    from datamarket.payouts.bank import simulated

    try:
        with spoken():
            stated = read_at_most(rules, MAX_BYTES) if rules else None
            chosen = simulated.read_rules(stated) if stated is not None else simulated.shipped_rules()
            if refuse_share is not None:
                chosen = replace(chosen, refuse_share=parse_rate(refuse_share))
            if delay_days is not None:
                shortest, longest = _delay(delay_days)
                chosen = replace(chosen, delay_from=shortest, delay_to=longest)
            answered = simulated.run_bank(
                read_at_most(file, files.MOST_BYTES),
                chosen,
                seed,
                day=day.date() if day else None,
                opening_fen=parse_yuan(opening),
            )
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error)) from None
    written = {
        f"advice-{at}.csv": files.write_advice(lines) for at, lines in answered.advice_by_day().items()
    } | {f"statement-{told.day}.csv": files.write_statement(told) for told in answered.statements}
    with spoken():
        out.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (out / name).write_text(text, encoding="utf-8", newline="")
            typer.echo(str(out / name))


def _delay(text: str) -> tuple[int, int]:
    """'0..2' → 0 and 2. Raises ValueError."""
    match = _DELAY.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        message = f"not a range of days such as 0..2: {text!r}"
        raise ValueError(message)
    return int(match[1]), int(match[2])
