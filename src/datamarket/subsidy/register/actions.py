"""Scheme versions: drafted by one, approved by another, never edited; and the budget of a year."""

from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.documents.reading import read_aside
from datamarket.foundation.errors import Invalid
from datamarket.foundation.ids import new_id
from datamarket.subsidy.register import queries
from datamarket.subsidy.register.rules import SCHEME_LIFE
from datamarket.subsidy.register.tables import BudgetShort, OwnScheme, SchemeRow, SchemeVersion, SubsidyBudget
from datamarket.subsidy.register.terms import SchemeEvent, SchemeState
from datamarket.subsidy.scheme import files as scheme_files
from datamarket.subsidy.scheme.document import Scheme
from datamarket.subsidy.terms import sha256_of_bytes


class SchemeIdDiffers(Invalid):
    code = "subsidy.scheme-id-differs"
    zh = "文件中的方案编号“{inside}”与路径中的“{path}”不一致。"
    en = "The file is of scheme '{inside}', the path says '{path}'."


async def load_shipped_schemes(session: AsyncSession, actor: Actor, *, now: datetime) -> list[SchemeVersion]:
    """The schemes of the product, approved by `actor`; a file that is there already is left alone."""
    loaded = []
    for scheme_id in scheme_files.shipped_schemes():
        content = scheme_files.shipped_scheme(scheme_id)
        if await queries.is_known_version(session, scheme_id, sha256_of_bytes(content)):
            continue
        retired = await _retire_approved(session, scheme_id)
        version = await _add_version(
            session,
            scheme_files.load_scheme(content),
            content,
            now=now,
            state=SchemeState.APPROVED,
            approved_by=actor.account_id,
            approved_at=now,
        )
        await _tell(session, actor, "subsidy.load-scheme", version, now, *retired)
        loaded.append(version)
    await session.flush()
    return loaded


async def propose_version(
    session: AsyncSession, actor: Actor, scheme_id: str, *, content: str, now: datetime
) -> SchemeVersion:
    """A draft; of each scheme one is open at a time.

    Raises SchemeInvalid naming the line, SchemeIdDiffers, DraftOpen, VersionTaken.
    """
    raw = content.encode()
    scheme = await read_aside(scheme_files.load_scheme, raw)
    if scheme.id != scheme_id:
        raise SchemeIdDiffers(inside=scheme.id, path=scheme_id)
    version = await _add_version(session, scheme, raw, now=now, actor_id=actor.account_id)
    await _tell(session, actor, "subsidy.propose-scheme", version, now)
    return version


async def move_version(
    session: AsyncSession, actor: Actor, version: SchemeVersion, event: SchemeEvent, *, now: datetime
) -> SchemeVersion:
    """Approve a locked draft, by someone else than its author, or retire a locked version.

    The version in force before is retired by the approval. Raises OwnScheme.
    """
    after = SCHEME_LIFE.after(version.state, event)
    retired: list[SchemeVersion] = []
    if event is SchemeEvent.APPROVE:
        if version.actor_id == actor.account_id:
            raise OwnScheme
        retired = await _retire_approved(session, version.scheme_id)
        version.approved_by, version.approved_at = actor.account_id, now
    version.state = after
    version.version += 1
    await _tell(session, actor, f"subsidy.{event}-scheme", version, now, *retired)
    return version


async def _tell(
    session: AsyncSession,
    actor: Actor,
    action: str,
    version: SchemeVersion,
    now: datetime,
    *retired: SchemeVersion,
) -> None:
    """The audit event: which version of which scheme, by its hash."""
    await evidence.record(
        session,
        actor,
        action,
        ("scheme-version", version.id),
        version,
        *retired,
        now=now,
        scheme=version.scheme_id,
        n=version.n,
        sha256=version.sha256,
    )


async def set_budget(
    session: AsyncSession,
    actor: Actor,
    budget: SubsidyBudget | None,
    *,
    scheme_id: str,
    year: int,
    amount_fen: int,
    now: datetime,
) -> SubsidyBudget:
    """The locked pool of a year, or its first one, never below what approved runs have taken. Raises BudgetShort."""
    if budget is None:
        budget = SubsidyBudget(id=new_id(now), scheme_id=scheme_id, year=year, amount_fen=amount_fen)
        session.add(budget)
    else:
        if amount_fen < budget.committed_fen:
            raise BudgetShort
        budget.amount_fen = amount_fen
        budget.version += 1
    await evidence.record(
        session,
        actor,
        "subsidy.set-budget",
        ("budget", budget.id),
        budget,
        now=now,
        scheme=scheme_id,
        year=year,
        amount_fen=amount_fen,
    )
    return budget


async def _add_version(
    session: AsyncSession,
    scheme: Scheme,
    content: bytes,
    *,
    now: datetime,
    state: SchemeState = SchemeState.DRAFT,
    **officers: Any,
) -> SchemeVersion:
    if await queries.lock_scheme(session, scheme.id) is None:
        session.add(
            SchemeRow(id=scheme.id, title_zh=scheme.title.zh, title_en=scheme.title.en, created_at=now)
        )
        await session.flush()
    version = SchemeVersion(
        id=new_id(now),
        scheme_id=scheme.id,
        n=await queries.newest_number(session, scheme.id) + 1,
        content=content,
        sha256=sha256_of_bytes(content),
        state=state,
        created_at=now,
        **officers,
    )
    session.add(version)
    await session.flush()
    return version


async def _retire_approved(session: AsyncSession, scheme_id: str) -> list[SchemeVersion]:
    """The version in force, if any, makes room: of each scheme one is approved at a time."""
    before = await queries.approved_version(session, scheme_id)
    if before is None:
        return []
    before.state = SchemeState.RETIRED
    before.version += 1
    await session.flush()
    return [before]
