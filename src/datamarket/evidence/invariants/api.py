"""/checks"""

from datetime import datetime
from typing import Annotated

from fastapi import Request
from pydantic import Field

from datamarket.auth.access import allow
from datamarket.auth.terms import Actor, Permission
from datamarket.evidence.invariants import queries
from datamarket.evidence.invariants.tables import CheckRun
from datamarket.foundation.checks import Check
from datamarket.foundation.http import LedgerId, Reading, Shape, SliceRouter

router = SliceRouter(tags=["evidence"])


class LastRunOut(Shape):
    """What was found; `breaches` names the first rows that break it."""

    at: datetime
    seen: int = Field(description="rows that it covers")
    holds: bool
    breaches: list[str]


class CheckOut(Shape):
    """One invariant, and when it was last run, by a server or by `datamarket check`; null where nobody has yet."""

    id: str = Field(examples=["I4"])
    rule_zh: str
    rule_en: str
    quick: bool = Field(description="run each minute")
    last_run: LastRunOut | None

    @classmethod
    def of(cls, check: Check, run: CheckRun | None) -> "CheckOut":
        last = run and LastRunOut(at=run.ran_at, seen=run.seen, holds=not run.breaches, breaches=run.breaches)
        return cls(id=check.id, rule_zh=check.zh, rule_en=check.en, quick=check.quick, last_run=last)


class ChecksOut(Shape):
    """All of them: they are as many as the files that state them."""

    checks: list[CheckOut]


@router.get("/checks", summary="The invariants of the market, and what was last found")
async def list_checks(
    actor: Annotated[Actor, allow(Permission.READ_AUDIT_EVENTS)],
    request: Request,
    ledger_id: LedgerId,
    session: Reading,
) -> ChecksOut:
    """Each is a statement that anyone can run for themselves; `datamarket check` runs all of them."""
    checks: tuple[Check, ...] = request.app.state.checks
    runs = await queries.last_runs(session, ledger_id)
    return ChecksOut(checks=[CheckOut.of(check, runs.get(check.id)) for check in checks])
