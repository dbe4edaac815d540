"""Reading studies and their files."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.foundation.errors import Conflict
from datamarket.subsidy.questions.tables import SubsidyStudy, SubsidyStudyFile
from datamarket.subsidy.questions.terms import StudyFile
from datamarket.subsidy.terms import sha256_of_bytes


class StudyTampered(Conflict):
    code = "subsidy.study-tampered"
    zh = "测算文件“{file}”的内容与其哈希不符，不予提供；请从备份恢复。"
    en = "The file '{file}' of this study is not what its hash says and is not given out; restore it from the backup."


async def get_study(session: AsyncSession, study_id: UUID) -> SubsidyStudy:
    """Raises NotFound."""
    return await one_row(session, select(SubsidyStudy).where(SubsidyStudy.id == study_id), "study")


async def find_study(session: AsyncSession, ledger_id: int, sha256: str) -> SubsidyStudy | None:
    statement = select(SubsidyStudy).where(SubsidyStudy.ledger_id == ledger_id, SubsidyStudy.sha256 == sha256)
    return (await session.exec(statement)).first()


async def read_study_file(session: AsyncSession, study_id: UUID, name: StudyFile) -> bytes:
    """Raises NotFound and StudyTampered."""
    statement = select(SubsidyStudyFile).where(
        SubsidyStudyFile.study_id == study_id, SubsidyStudyFile.name == name
    )
    row = await one_row(session, statement, "study")
    if sha256_of_bytes(row.content) != row.sha256:
        raise StudyTampered(file=name.value)
    return row.content


async def list_studies(
    session: AsyncSession, ledger_id: int, *, run_id: UUID | None, page: PageAsked[UUID]
) -> Sequence[SubsidyStudy]:
    """Newest first."""
    statement = select(SubsidyStudy).where(
        SubsidyStudy.ledger_id == ledger_id, *asked((SubsidyStudy.run_id, run_id))
    )
    return (await session.exec(keyset(statement, col(SubsidyStudy.id), page, newest_first=True))).all()
