"""Cases of the city's file: entered by one officer, verified by another on the audit report."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.subsidy.cases import actions as cases
from datamarket.subsidy.papers.actions import file_text


async def enter_case(
    session: AsyncSession,
    row: Mapping[str, str],
    owner: UUID,
    *,
    offices: Mapping[str, Actor],
    papers: Path,
) -> None:
    """On the day on which it was listed; its report is as invented as the case."""
    note, listed_on = row["note"], date.fromisoformat(row["listed_on"])
    investment, now = int(row["investment_fen"]), datetime.combine(listed_on, time(2), tzinfo=UTC)
    case = await cases.register_case(
        session,
        offices["authority"],
        code=row["code"],
        enterprise_id=owner,
        title_zh=row["title_zh"],
        title_en=row["title_en"],
        field=row["field"],
        level=row["level"],
        listed_on=listed_on,
        list_name=row["list_name"],
        list_number=row["list_number"],
        investment_fen=investment,
        claimed_elsewhere=note if "already claimed" in note else None,
        now=now,
    )
    if row["investment_verified"] == "true":
        verifier, report = offices["authority2"], f"虚构专项审计报告 {case.code} {investment} fen"
        paper = await file_text(session, verifier, papers, f"{case.code}.txt", report, now=now)
        await cases.verify_case(session, verifier, case, investment_fen=investment, paper=paper, now=now)
