"""Which constraint refused a write, and what that means to the caller."""

import re
from collections.abc import Container, Mapping

from asyncpg import IntegrityConstraintViolationError

from datamarket.foundation.errors import Conflict, MarketError

_NAMED = re.compile(r'constraint "([^"]+)"')
_SHARD = re.compile(r"_\d{6,}(?=_|$)")


class ConstraintViolated(Conflict):
    code = "database.constraint"
    zh = "数据库约束“{constraint}”拒绝了本次写入，未产生任何变更。"
    en = "The database constraint '{constraint}' refused this write; nothing was changed."


def constraint_of(error: BaseException, known: Container[str]) -> str | None:
    """The constraint that refused a write, if one did: by its field, else by the sentence, which is all that another node hands on.

    On a shard its name has the shard's number in it, which is left out where the rest is known.
    """
    if not isinstance(error, IntegrityConstraintViolationError):
        return None  # what other errors say may quote what a caller has sent
    named = _NAMED.search(str(error.args[0]) if error.args else "")
    told: str | None = getattr(error, "constraint_name", None) or (named and named[1])
    whole = _SHARD.sub("", told or "")
    return whole if whole in known else told


def refusal_of(constraint: str, known: Mapping[str, type[MarketError]]) -> MarketError:
    """What a constraint that refused a write means to the caller."""
    return known[constraint]() if constraint in known else ConstraintViolated(constraint=constraint)
