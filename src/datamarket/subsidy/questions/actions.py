"""Asking, and keeping question and answer as a study; no run is touched."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.evidence import actions as evidence
from datamarket.foundation.ids import new_id
from datamarket.subsidy.questions import charts, queries, sheets
from datamarket.subsidy.questions.answers import answer_of
from datamarket.subsidy.questions.asking import read_question
from datamarket.subsidy.questions.drawing import draw
from datamarket.subsidy.questions.tables import SubsidyStudy, SubsidyStudyFile
from datamarket.subsidy.questions.terms import StudyFile
from datamarket.subsidy.runs import dossier
from datamarket.subsidy.runs.queries import RunView
from datamarket.subsidy.terms import canonical_json, sha256_of_bytes


async def ask(session: AsyncSession, view: RunView, stated: Mapping[str, Any]) -> dict[str, Any]:
    """The answer from the snapshot of a run. Raises NotCalculated and what `read_question` and `answer_of` raise."""
    question = read_question(stated)
    dossier.check_calculated(view)
    scheme = await dossier.scheme_of(session, view.run.scheme_version_id)
    snapshot = await dossier.stored_snapshot(session, view)
    return await asyncio.to_thread(answer_of, scheme, view.scheme_sha256, snapshot, view.run.year, question)


async def keep_study(
    session: AsyncSession, actor: Actor, view: RunView, stated: Mapping[str, Any], *, now: datetime
) -> SubsidyStudy:
    """The study of this answer: the one that is there, or a new one with its files. Raises what `ask` and `draw` raise."""
    answer = await ask(session, view, stated)
    content = canonical_json(answer)
    sha256 = sha256_of_bytes(content)
    if (known := await queries.find_study(session, view.run.ledger_id, sha256)) is not None:
        return known
    files = {StudyFile.ANSWER: content, **await _files(answer, sha256)}
    study = SubsidyStudy(
        id=new_id(now),
        ledger_id=view.run.ledger_id,
        run_id=view.run.id,
        scheme_id=view.run.scheme_id,
        year=view.run.year,
        scheme_sha256=answer["scheme_sha256"],
        snapshot_sha256=answer["snapshot_sha256"],
        engine_id=answer["engine_id"],
        question=answer["question"],
        sha256=sha256,
        account_id=actor.account_id,
        created_at=now,
    )
    added = (
        insert(SubsidyStudy)
        .values(study.model_dump())
        .on_conflict_do_nothing()
        .returning(col(SubsidyStudy.id))
    )
    if (await session.exec(added)).first() is None:  # another kept the same one meanwhile
        return await _found(session, study)
    digests = {name.value: sha256_of_bytes(file) for name, file in files.items()}
    session.add_all(
        SubsidyStudyFile(study_id=study.id, name=name, content=file, sha256=digests[name])
        for name, file in files.items()
    )
    told = {"run": str(view.run.id), "sha256": sha256, "files": digests}
    await evidence.record(session, actor, "subsidy.keep-study", ("study", study.id), now=now, **told)
    return await _found(session, study)


async def _found(session: AsyncSession, study: SubsidyStudy) -> SubsidyStudy:
    found = await queries.find_study(session, study.ledger_id, study.sha256)
    return found or study


async def _files(answer: Mapping[str, Any], sha256: str) -> dict[StudyFile, bytes]:
    drawing = await draw(charts.chart_of(answer, sha256))
    return {
        StudyFile.TABLE: await asyncio.to_thread(sheets.csv_table, answer, sha256),
        StudyFile.WORKBOOK: await asyncio.to_thread(sheets.workbook, answer, sha256),
        StudyFile.CHART_SVG: drawing.svg,
        StudyFile.CHART_PNG: drawing.png,
    }
