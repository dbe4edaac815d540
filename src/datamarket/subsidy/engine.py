"""Which evaluator gave a result: the version and a hash over the source of every module that decides."""

import hashlib
from functools import cache
from importlib import resources

from datamarket import __version__

DECIDING = (
    "foundation/money.py",
    "subsidy/clause.py",
    "subsidy/dated_values.py",
    "subsidy/limits.py",
    "subsidy/plain_yaml.py",
    "subsidy/predicates.py",
    "subsidy/ranking.py",
    "subsidy/rules.py",
    "subsidy/scheme.py",
    "subsidy/scheme_files.py",
    "subsidy/terms.py",
)


@cache
def engine_id() -> str:
    """For instance `0.1.0+1f0c…`: another text of the rules is another engine."""
    digest = hashlib.sha256()
    root = resources.files("datamarket")
    for name in DECIDING:
        source = (root / name).read_bytes()
        digest.update(f"{name}\x00{len(source)}\x00".encode())
        digest.update(source)
    return f"{__version__}+{digest.hexdigest()[:16]}"
