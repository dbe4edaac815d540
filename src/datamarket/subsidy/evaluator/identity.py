"""Which evaluator gave a result: the version and a hash over the source of every module that decides."""

import hashlib
from functools import cache
from importlib import resources

from datamarket import __version__

GROUND = (
    "foundation/documents/dated.py",
    "foundation/documents/plain_yaml.py",
    "foundation/inputs/texts.py",
    "foundation/money.py",
    "foundation/spreadsheets/figures.py",
    "subsidy/terms.py",
)
ROOMS = ("subsidy/evaluator", "subsidy/scheme")


def deciding() -> list[str]:
    """Every module of the scheme and of the evaluator, and what both stand on: a new file cannot be forgotten."""
    root = resources.files("datamarket")
    modules = (
        f"{room}/{file.name}"
        for room in ROOMS
        for file in (root / room).iterdir()
        if file.name.endswith(".py")
    )
    return sorted((*GROUND, *modules))


@cache
def engine_id() -> str:
    """For instance `0.1.0+1f0c…`: another text of the rules is another engine."""
    digest = hashlib.sha256()
    root = resources.files("datamarket")
    for name in deciding():
        source = (root / name).read_bytes()
        digest.update(f"{name}\x00{len(source)}\x00".encode())
        digest.update(source)
    return f"{__version__}+{digest.hexdigest()[:16]}"
