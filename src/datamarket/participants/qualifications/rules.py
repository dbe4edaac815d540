"""Who may hold a qualification, pure."""

from datamarket.foundation.errors import Invalid
from datamarket.participants.qualifications.terms import QualificationKind


class HolderMismatch(Invalid):
    code = "qualification.holder"
    zh = "首席数据官资质须写明持有人，其他资质不写持有人。"
    en = "A chief data officer's qualification names its holder; the others name none."


def check_holder(kind: QualificationKind, holder: str | None) -> None:
    """A chief data officer is a person. Raises HolderMismatch."""
    if (kind is QualificationKind.CHIEF_DATA_OFFICER) != bool(holder):
        raise HolderMismatch
