"""Decisions about mandates that were granted. Pure."""

from datetime import date

from datamarket.foundation.errors import Forbidden, Invalid, Refused
from datamarket.foundation.states import Life
from datamarket.zones.terms import ExitCourse, MandateEvent, MandateState

MANDATE_LIFE = Life(
    "mandate",
    "运营授权",
    "Mandate",
    {
        (MandateState.GRANTED, MandateEvent.RENEW): MandateState.GRANTED,
        (MandateState.GRANTED, MandateEvent.EVALUATE): MandateState.GRANTED,
        (MandateState.GRANTED, MandateEvent.WITHDRAW): MandateState.WITHDRAWN,
        (MandateState.WITHDRAWN, MandateEvent.REINSTATE): MandateState.GRANTED,
        (MandateState.GRANTED, MandateEvent.EXPIRE): MandateState.EXPIRED,
    },
    reasons=frozenset({MandateEvent.EVALUATE, MandateEvent.WITHDRAW, MandateEvent.REINSTATE}),
)


class ExpiryByClock(Forbidden):
    code = "mandate.expiry-by-clock"
    zh = "授权到期由系统按期限认定，不能人工办理；提前终止请用“收回”。"
    en = "A mandate expires by its term, and by nobody's hand; to end it before, withdraw it."


class RenewalUnstated(Invalid):
    code = "mandate.renewal-unstated"
    zh = "续期须写明新的截止日 term_to 与备案日 filed_on，其他操作不得填写。"
    en = "A renewal states its new end, term_to, and the day of its filing, filed_on; no other event takes them."


class ExitMisplaced(Invalid):
    code = "mandate.exit-misplaced"
    zh = "仅“收回”须写明合同去向 exit_course，其他操作不得填写。"
    en = "Only a withdrawal says what becomes of contracts, exit_course; no other event takes it."


class MandateOver(Refused):
    code = "mandate.over"
    zh = "授权期限已于 {term_to} 届满，不能再办理；请重新授权。"
    en = "The mandate's term was over on {term_to}: it can no longer be moved; grant another."


def check_move(
    event: MandateEvent, *, term_to: date, renewed_to: date | None, filed_on: date | None, on: date
) -> None:
    """Within its term, and a renewal says until when. Raises ExpiryByClock, RenewalUnstated, MandateOver."""
    if event is MandateEvent.EXPIRE:
        raise ExpiryByClock
    if {renewed_to is None, filed_on is None} != {event is not MandateEvent.RENEW}:
        raise RenewalUnstated
    if on >= term_to:
        raise MandateOver(term_to=term_to)


def check_exit(event: MandateEvent, course: ExitCourse | None) -> None:
    """Raises ExitMisplaced."""
    if course is not None and event is not MandateEvent.WITHDRAW:
        raise ExitMisplaced
