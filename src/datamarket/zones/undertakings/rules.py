"""Decisions about undertakings to renew. Pure."""

from datetime import date

from datamarket.foundation.errors import Conflict, Invalid, Refused


class UndertakingDueWrong(Invalid):
    code = "undertaking.due-wrong"
    zh = "续期须于今日（{on}）之后、授权截止日 {term_to} 当日或之前办妥。"
    en = "A renewal stands after today ({on}), and by {term_to}, the end of the mandate, at the latest."


class UndertakingOpen(Conflict):
    code = "undertaking.open"
    zh = "该授权已有尚待履行的续期承诺。"
    en = "This mandate has an undertaking that is still to be fulfilled."


class MandateNotInForce(Refused):
    code = "undertaking.mandate-not-in-force"
    zh = "授权当前不在期内或已被收回，不能作出续期承诺。"
    en = "The mandate is not in force today, so nobody undertakes its renewal."


def check_due(due_on: date, term_to: date, on: date) -> None:
    """Raises UndertakingDueWrong."""
    if not on < due_on <= term_to:
        raise UndertakingDueWrong(on=on, term_to=term_to)
