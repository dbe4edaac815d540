"""Decisions about zones and mandates. Pure; days and limits are given."""

from datetime import MAXYEAR, date

from datamarket.foundation.errors import Conflict, Invalid, NotFound, Refused
from datamarket.foundation.states import Life
from datamarket.zones.terms import ZoneEvent, ZoneState

ZONE_LIFE = Life(
    "zone",
    "专区",
    "Zone",
    {
        (ZoneState.DRAFT, ZoneEvent.OPEN): ZoneState.OPEN,
        (ZoneState.OPEN, ZoneEvent.CLOSE): ZoneState.CLOSED,
        (ZoneState.CLOSED, ZoneEvent.REOPEN): ZoneState.OPEN,
    },
    reasons=frozenset({ZoneEvent.CLOSE, ZoneEvent.REOPEN}),
)


class ZoneReferenceUnknown(NotFound):
    code = "zone.reference-unknown"
    zh = "所引用的对象不存在。"
    en = "What is referred to is not there."


class MandateTermEmpty(Invalid):
    code = "mandate.term-empty"
    zh = "授权期限为空：截止日（不含当日）须晚于起始日。"
    en = "The term is empty: its end, which is not part of it, must be after its beginning."


class TermTooLong(Refused):
    code = "mandate.term-too-long"
    zh = "授权期限原则上不超过 {years} 年；确需更长的，须写明理由。"
    en = "A mandate runs in principle for at most {years} years; a longer one needs a recorded reason."


class LimitUnstated(Refused):
    code = "zone.limit-unstated"
    zh = "{on} 尚无关于“{name}”的规定，不能办理。"
    en = "On {on} no rule states '{name}' yet, so this cannot be done."


class MandateMissing(Refused):
    code = "zone.mandate-missing"
    zh = "{on} 该专区没有有效授权，不能开区。"
    en = "The zone has no mandate in force on {on}, and cannot open."


class MandateOverlaps(Conflict):
    code = "mandate.overlap"
    zh = "该专区在所填期限内已有授权（{term_from} 起，{term_to} 止，不含当日）。"
    en = "The zone has a mandate within this term already, from {term_from} until, not including, {term_to}."


class OperatorChangesLater(Refused):
    code = "mandate.operator-changes-later"
    zh = "更换运营机构的授权须在期限内办理；期限尚未开始或已届满。"
    en = "A mandate for another operator is granted within its term, which has not begun or is over."


class ZoneNotOpen(Refused):
    code = "zone.not-open"
    zh = "专区“{zone_zh}”未在运营中（{state}）。"
    en = "The zone '{zone_en}' is not open ({state})."


class ZoneClosed(Refused):
    code = "zone.closed"
    zh = "专区“{zone_zh}”已关闭。"
    en = "The zone '{zone_en}' is closed."


def check_open(state: ZoneState | str, *, name_zh: str, name_en: str) -> None:
    """Scenarios and resources are added to an open zone only. Raises ZoneNotOpen."""
    if state != ZoneState.OPEN:
        raise ZoneNotOpen(zone_zh=name_zh, zone_en=name_en, state=ZoneState(state))


def check_mandate_term(term_from: date, term_to: date, reason: str | None, *, limit_years: int) -> None:
    """Half-open, at least a day; longer than the limit only with a reason. Raises MandateTermEmpty, TermTooLong."""
    if term_to <= term_from:
        raise MandateTermEmpty
    if term_to > add_years(term_from, limit_years) and not (reason and reason.strip()):
        raise TermTooLong(years=limit_years)


def add_years(day: date, years: int) -> date:
    """The same day of a later year; 29 February becomes 1 March where there is none, the calendar ends in 9999."""
    if day.year + years > MAXYEAR:
        return date.max
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def stated(value: int | None, name: str, on: date) -> int:
    """A limit that the deed cannot do without. Raises LimitUnstated."""
    if value is None:
        raise LimitUnstated(name=name, on=on)
    return value
