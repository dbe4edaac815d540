"""Who may hold a qualification, and how often. Pure."""

from datamarket.foundation.errors import Conflict, Invalid
from datamarket.participants.qualifications.terms import QualificationKind


class HolderMismatch(Invalid):
    code = "qualification.holder"
    zh = "首席数据官资质须写明持有人，其他资质不写持有人。"
    en = "A chief data officer's qualification names its holder; the others name none."


class QualificationOverlaps(Conflict):
    code = "qualification.overlap"
    zh = "同一资质在所填期间内已有记录。"
    en = "The same qualification is recorded already for some day of the period."


def check_holder(kind: QualificationKind, holder: str | None) -> None:
    """A chief data officer is a person. Raises HolderMismatch."""
    if (kind is QualificationKind.CHIEF_DATA_OFFICER) != bool(holder):
        raise HolderMismatch
