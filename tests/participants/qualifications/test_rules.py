"""Who may hold which certificate."""

import pytest

from datamarket.participants.qualifications import rules as qualification_rules
from datamarket.participants.qualifications.terms import QualificationKind


def test_a_chief_data_officer_is_a_person_and_nothing_else_is() -> None:
    qualification_rules.check_holder(QualificationKind.CHIEF_DATA_OFFICER, "王某")
    qualification_rules.check_holder(QualificationKind.DATA_MERCHANT, None)
    with pytest.raises(qualification_rules.HolderMismatch):
        qualification_rules.check_holder(QualificationKind.CHIEF_DATA_OFFICER, None)
    with pytest.raises(qualification_rules.HolderMismatch):
        qualification_rules.check_holder(QualificationKind.DATA_MERCHANT, "王某")
