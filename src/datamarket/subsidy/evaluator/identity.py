"""Which evaluator gave a result: the version and a hash over the source of every module that decides."""

import hashlib
from functools import cache
from importlib import resources

from datamarket import __version__

DECIDING = (
    "foundation/money.py",
    "subsidy/scheme/clause.py",
    "subsidy/scheme/dated_values.py",
    "subsidy/evaluator/limits.py",
    "subsidy/scheme/plain_yaml.py",
    "subsidy/scheme/vocabulary.py",
    "subsidy/evaluator/ranking.py",
    "subsidy/evaluator/rules.py",
    "subsidy/scheme/document.py",
    "subsidy/scheme/files.py",
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
