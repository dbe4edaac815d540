"""Decisions about participants: codes and their check digit, admission, periods. Pure."""

import re
from datetime import date

from datamarket.foundation.errors import Conflict, Invalid, NotFound, Refused
from datamarket.foundation.states import Life
from datamarket.participants.terms import ParticipantEvent, ParticipantState

PARTICIPANT_LIFE = Life(
    "participant",
    "市场主体",
    "Participant",
    {
        (ParticipantState.APPLIED, ParticipantEvent.ADMIT): ParticipantState.ADMITTED,
        (ParticipantState.APPLIED, ParticipantEvent.WITHDRAW): ParticipantState.WITHDRAWN,
        (ParticipantState.ADMITTED, ParticipantEvent.SUSPEND): ParticipantState.SUSPENDED,
        (ParticipantState.ADMITTED, ParticipantEvent.WITHDRAW): ParticipantState.WITHDRAWN,
        (ParticipantState.SUSPENDED, ParticipantEvent.RESTORE): ParticipantState.ADMITTED,
        (ParticipantState.SUSPENDED, ParticipantEvent.WITHDRAW): ParticipantState.WITHDRAWN,
    },
    reasons=frozenset({ParticipantEvent.SUSPEND, ParticipantEvent.WITHDRAW}),
)
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: 31 characters, a prime number of them; I, O, S, V and Z are left out."""
USCC_LENGTH = 18
_WEIGHTS = tuple(pow(3, position, 31) for position in range(USCC_LENGTH - 1))
_DIVISION_POSITIONS = range(2, 8)
PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82".split()  # noqa: SIM905 - a table reads better than thirty-four quotes
)
"""GB/T 2260: the first two digits of a division."""


class ParticipantUnknown(NotFound):
    code = "participant.unknown"
    zh = "所引用的市场主体不存在。"
    en = "The participant referred to is not there."


class NameFixed(Conflict):
    code = "participant.name-fixed"
    zh = "仅“待准入”状态可以修改名称，当前为“{state}”。"
    en = "A name changes only while the participant has state 'applied'; it is '{state}'."


class ParticipantNotAdmitted(Refused):
    code = "participant.not-admitted"
    zh = "市场主体“{name_zh}”当前未处于已准入状态（{state}），不能办理该事项。"
    en = "The participant '{name_en}' is not admitted now ({state}), and may not do this."

    def __init__(self, *, name_zh: str, name_en: str, state: str) -> None:
        super().__init__(name_zh=name_zh, name_en=name_en, state=ParticipantState(state))


class ParticipantKindWrong(Refused):
    code = "participant.kind-wrong"
    zh = "市场主体“{name_zh}”的类别为“{kind}”，该事项要求“{needed}”。"
    en = "The participant '{name_en}' is of kind '{kind}'; this needs '{needed}'."


class UsccLengthWrong(Invalid):
    code = "participant.uscc-length"
    zh = "统一社会信用代码应为18位，收到 {length} 位。"
    en = "A unified social credit code has 18 characters; this one has {length}."


class UsccCharacterWrong(Invalid):
    code = "participant.uscc-character"
    zh = "统一社会信用代码第 {position} 位“{character}”不合规定：只用数字和大写字母（不含 I、O、S、V、Z），第3至8位为数字。"
    en = "Character {position} of the credit code, '{character}', is not allowed: digits and capitals without I, O, S, V, Z; characters 3 to 8 are digits."


class UsccCheckDigitWrong(Invalid):
    code = "participant.uscc-check-digit"
    zh = "统一社会信用代码校验码不符（GB 32100-2015），请核对各位。"
    en = "The check digit of the credit code does not match (GB 32100-2015); compare each character."


class DivisionWrong(Invalid):
    code = "participant.division"
    zh = "“{division}”不是行政区划代码（GB/T 2260）：应为6位数字，前两位为省级代码。"
    en = "'{division}' is no division code (GB/T 2260): six digits, the first two those of a province."


class IndustryWrong(Invalid):
    code = "participant.industry"
    zh = "“{industry}”不是国民经济行业小类代码（GB/T 4754）：应为4位数字。"
    en = "'{industry}' is no industry class (GB/T 4754): four digits."


class PeriodEmpty(Invalid):
    code = "participant.term-empty"
    zh = "期间为空：截止日（不含当日）须晚于起始日。"
    en = "The period is empty: its end, which is not part of it, must be after its beginning."


def check_digit(body: str) -> str:
    """The 18th character for the first 17. Raises UsccCharacterWrong for one outside the alphabet."""
    total = sum(weight * _value(body, position) for position, weight in enumerate(_WEIGHTS))
    return USCC_ALPHABET[-total % len(USCC_ALPHABET)]


def check_uscc(uscc: str) -> None:
    """Length, then alphabet, then check digit. Raises the first that fails."""
    if len(uscc) != USCC_LENGTH:
        raise UsccLengthWrong(length=len(uscc))
    for position, character in enumerate(uscc):
        if _value(uscc, position) > 9 and position in _DIVISION_POSITIONS:
            raise UsccCharacterWrong(position=position + 1, character=character)
    if check_digit(uscc[:-1]) != uscc[-1]:
        raise UsccCheckDigitWrong


def _value(code: str, position: int) -> int:
    value = USCC_ALPHABET.find(code[position])
    if value < 0:
        raise UsccCharacterWrong(position=position + 1, character=code[position])
    return value


def check_division(division: str) -> None:
    """Six digits in the range of a province. Raises DivisionWrong."""
    if not re.fullmatch(r"[0-9]{6}", division) or division[:2] not in PROVINCES:
        raise DivisionWrong(division=division)


def check_industry(industry: str) -> None:
    """Four digits. Raises IndustryWrong."""
    if not re.fullmatch(r"[0-9]{4}", industry):
        raise IndustryWrong(industry=industry)


def check_term(begins: date, ends: date | None) -> None:
    """A half-open period has at least one day. Raises PeriodEmpty."""
    if ends is not None and ends <= begins:
        raise PeriodEmpty


def overlap(first: tuple[date, date | None], second: tuple[date, date | None]) -> bool:
    """Whether two half-open periods share a day; None is without end."""
    (a, a_end), (b, b_end) = first, second
    return (b_end is None or a < b_end) and (a_end is None or b < a_end)
