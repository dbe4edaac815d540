"""/checks"""

from datetime import datetime
from typing import Annotated

from fastapi import Request
from pydantic import Field

from datamarket.auth.access import allow
from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.checks import LAST_RUNS, Check
from datamarket.foundation.http import Shape, SliceRouter

router = SliceRouter(tags=["evidence"])


class LastRunOut(Shape):
    """What was found; `breaches` names the first rows that break it."""

    at: datetime
    seen: int = Field(description="rows that it covers")
    holds: bool
    breaches: list[str]


class CheckOut(Shape):
    """One invariant, and when this server last ran it; null where only `datamarket check` does."""

    id: str = Field(examples=["I4"])
    rule_zh: str
    rule_en: str
    quick: bool = Field(description="run each minute")
    last_run: LastRunOut | None

    @classmethod
    def of(cls, check: Check) -> "CheckOut":
        run = LAST_RUNS.get(check)
        last = run and LastRunOut(
            at=run.at, seen=run.found.seen, holds=run.found.holds, breaches=run.found.breaches
        )
        return cls(id=check.id, rule_zh=check.zh, rule_en=check.en, quick=check.quick, last_run=last)


class ChecksOut(Shape):
    """All of them: they are as many as the files that state them."""

    checks: list[CheckOut]


@router.get("/checks", summary="The invariants of the market, and what this server last found")
async def list_checks(
    actor: Annotated[Actor, allow(Permission.READ_AUDIT_EVENTS)], request: Request
) -> ChecksOut:
    """Each is a statement that anyone can run for themselves; `datamarket check` runs all of them."""
    checks: tuple[Check, ...] = request.app.state.checks
    return ChecksOut(checks=[CheckOut.of(check) for check in checks])
