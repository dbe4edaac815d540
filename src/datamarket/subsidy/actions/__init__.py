"""Every write of the subsidy desk: `register` for cases, `schemes` for files and budgets, `runs` for the
life of a run, with `calculation` and `payment` as its two heavy halves; `whole` does one run from end to end."""

from datamarket.subsidy.actions.register import register_case, verify_case
from datamarket.subsidy.actions.runs import move_run, open_run
from datamarket.subsidy.actions.schemes import load_shipped_schemes, move_version, propose_version, set_budget
from datamarket.subsidy.actions.whole import run_whole

__all__ = [
    "load_shipped_schemes",
    "move_run",
    "move_version",
    "open_run",
    "propose_version",
    "register_case",
    "run_whole",
    "set_budget",
    "verify_case",
]
