"""Reading what waits: one statement of as many arms as the caller may act in, each by an index of its own rows.

A new matter is a word in `terms`, and a line of `_SOURCES`: who is asked, and `subject_type, subject_id, since, due` of what waits.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.contracts.rules import QUOTA_MARKS
from datamarket.foundation.clock import SWITCHED_DAYS, business_date
from datamarket.foundation.db import Connection, PageAsked
from datamarket.notices.inbox.terms import Matter, MatterKind
from datamarket.zones.limits import limits_on

FAR = datetime(9000, 1, 1, tzinfo=UTC)
"""Where what has no deadline stands in the order."""
MANDATE_NOTICE_DAYS = 60
"""Before its term ends; no rule sets a time to ask for the next one, so the window of registrations is taken [assumed]."""
_FAR = "timestamptz '9000-01-01 00:00:00+00'"


class Source(NamedTuple):
    """Who is asked to do it, and the statement that finds it."""

    asked: Permission
    statement: str
    of_organisations: bool = True


def _starts(day: str) -> str:
    """SQL: the first instant of a business day."""
    return f"({day})::timestamp AT TIME ZONE 'Asia/Shanghai'"


def _working_days_later(day: str, count: str) -> str:
    """SQL: the start of the day after the `count`-th working day, by `clock.SWITCHED_DAYS`; far away where no rule sets one.

    Twice as many days and two weeks always hold them: no holiday is longer than ten days.
    """
    days = f"generate_series({day} + 1, {day} + 2 * {count} + 14, interval '1 day') AS d"
    worked = "(extract(isodow FROM d) <= 5) <> (d::date = ANY ($12::date[]))"
    nth = f"(SELECT d::date + 1 FROM {days} WHERE {worked} ORDER BY d OFFSET {count} - 1 LIMIT 1)"  # noqa: S608 - constants
    return f"CASE WHEN {count} IS NULL THEN {_FAR} ELSE {_starts(nth)} END"


def _contract(side: str, state: str) -> str:
    return (
        f"SELECT 'contract' AS subject_type, id AS subject_id, created_at AS since, answer_by AS due FROM contract"  # noqa: S608 - constants
        f" WHERE {side}_id = $2 AND {state} AND answer_by > $4"
    )


def _mandate(whose: str) -> str:
    return f"""
    SELECT 'mandate', m.id, {_starts(f"m.term_to - {MANDATE_NOTICE_DAYS}")}, {_starts("m.term_to")}
      FROM zone z JOIN mandate m ON m.zone_id = z.id
     WHERE {whose} AND m.state = 'granted' AND m.term_to > $5 AND m.term_to <= $5 + {MANDATE_NOTICE_DAYS}
       AND NOT EXISTS (SELECT FROM mandate n WHERE n.zone_id = m.zone_id AND n.term_from >= m.term_to AND n.state = 'granted')
    """  # noqa: S608 - constants


def _filed(state: str, day: str, count: str) -> str:
    return (
        f"SELECT 'resource', id, {_starts(day)}, {_working_days_later(day, count)} FROM resource"  # noqa: S608 - constants
        f" WHERE state = '{state}' AND {day} IS NOT NULL"
    )


K, P = MatterKind, Permission
_ANSWERING = "state NOT IN ('agreed', 'part_signed') AND awaits = '{}'"
"""Terms of a negotiation, or an amendment of what both have signed."""
_SIGNING = "state IN ('agreed', 'part_signed') AND {}_signed_at IS NULL"
_BATCH = (
    f"SELECT 'payout_batch', id, {{}}, {_FAR} FROM payout_batch WHERE ledger_id = $1 AND state = '{{}}'{{}}"  # noqa: S608 - constants
)
_RUN = f"SELECT 'run', id, created_at, {_FAR} FROM subsidy_run WHERE ledger_id = $1 AND state = '{{}}'{{}}"  # noqa: S608 - constants
_PAUSED = f"SELECT 'subscription', id, due_at, {_FAR} FROM subscription WHERE state = 'paused' AND {{}}"  # noqa: S608 - constants
_DISPUTE = (
    "SELECT 'dispute', id, opened_at, answer_by FROM trade_dispute"
    " WHERE {}_id = $2 AND opened_by = '{}' AND state = 'opened' AND answer_by > $4"
)
_OFFER = (
    f"SELECT 'dispute', id, coalesce(answered_at, opened_at), {_FAR} FROM trade_dispute"  # noqa: S608 - constants
    " WHERE {}_id = $2 AND offered_by = '{}' AND state IN ('opened', 'answered')"
)
_OF_CALL = (
    f"SELECT 'application', a.id, coalesce(a.submitted_at, a.created_at), {_starts('c.closes_on + 1')}"  # noqa: S608 - constants
    " FROM subsidy_application a JOIN subsidy_call c ON c.id = a.call_id"
    " WHERE a.enterprise_id = $2 AND a.state = '{}' AND c.closes_on >= $5"
)
_OBJECTION = (
    f"SELECT 'objection', id, filed_at, {_starts('decide_by + 1')} FROM subsidy_objection"  # noqa: S608 - constants
    " WHERE state IN ('filed', 'answered') AND {}"
)
_INSTALMENT = (
    f"SELECT 'recovery', r.id, r.decided_at, {_starts('i.due_on + 1')} FROM subsidy_recovery r"  # noqa: S608 - constants
    " JOIN subsidy_recovery_instalment i ON i.recovery_id = r.id WHERE {} AND r.state IN ('decided', 'recovering')"
    " AND i.through_fen > r.received_fen AND i.due_on {} $5"
)
_REFUSED = (
    f"SELECT 'award', p.award_id, {_starts('max(p.decided_on)')}, {_FAR} FROM payout p"  # noqa: S608 - constants
    " WHERE p.ledger_id = $1 AND p.award_id IS NOT NULL AND p.state = 'refused' AND {}"
    " AND subsidy_award_now(p.award_id) ->> 'status' = 'failed' GROUP BY p.award_id"
)
FUNDS_MARK = min(QUOTA_MARKS)
"""Percent of its funds at which a buyer is told, as of a quota. What came in is all that was credited, but what escrow
gave back; of it is spent or held what is not available now. What a refund gives back came in anew."""


def _funds(share: str) -> str:
    """SQL: the funds of a buyer with a contract that may cost it something, of which a share is spent or held.

    `came` is what came in, `gone` what of it is no longer available, in fen; as numeric, since a hundred times a sum may not fit.
    """
    return f"""
    SELECT 'account', a.id, a.opened_at, {_FAR}
      FROM ledger_account a JOIN ledger_balance b ON b.ledger_id = a.ledger_id AND b.account_id = a.id
      LEFT JOIN (ledger_account s JOIN ledger_balance e ON e.ledger_id = s.ledger_id AND e.account_id = s.id)
        ON s.ledger_id = a.ledger_id AND s.owner_id = a.owner_id AND s.kind = 'escrow'
     CROSS JOIN LATERAL (
           SELECT b.credit_fen::numeric - coalesce(e.debit_fen, 0) AS came,
                  b.debit_fen::numeric + b.held_fen - coalesce(e.debit_fen, 0) AS gone) AS f
     WHERE a.ledger_id = $1 AND a.owner_id = $2 AND a.kind = 'buyer_funds' AND f.came > 0 AND {share}
       AND EXISTS (SELECT FROM contract c WHERE c.buyer_id = $2 AND c.state = 'active' AND c.term_to > $4 AND c.price_model <> 'free')
    """  # noqa: S608 - constants


_SOURCES: tuple[tuple[MatterKind, Source], ...] = (
    (
        K.ORDER_TO_DELIVER,
        Source(
            P.DELIVER_ORDER,
            "SELECT 'order', id, placed_at, deliver_by FROM trade_order WHERE provider_id = $2 AND state = 'placed'",
        ),
    ),
    (
        K.ORDER_TO_ACCEPT,
        Source(
            P.RECORD_TRADE,
            "SELECT 'order', id, delivered_at, decide_by FROM trade_order WHERE buyer_id = $2 AND state = 'delivered'",
        ),
    ),
    (
        K.ORDER_TO_CURE,
        Source(
            P.DELIVER_ORDER,
            "SELECT 'order', id, delivered_at, cure_by FROM trade_order WHERE provider_id = $2 AND state = 'curing'",
        ),
    ),
    (K.DISPUTE_TO_ANSWER, Source(P.DISPUTE_TRADE, _DISPUTE.format("provider", "buyer"))),
    (K.DISPUTE_TO_ANSWER, Source(P.DISPUTE_TRADE, _DISPUTE.format("buyer", "provider"))),
    (K.DISPUTE_OFFER_TO_ANSWER, Source(P.DISPUTE_TRADE, _OFFER.format("provider", "buyer"))),
    (K.DISPUTE_OFFER_TO_ANSWER, Source(P.DISPUTE_TRADE, _OFFER.format("buyer", "provider"))),
    (
        K.DISPUTE_TO_DECIDE,
        Source(
            P.DECIDE_DISPUTE,
            f"SELECT 'dispute', id, coalesce(answered_at, answer_by), {_FAR} FROM trade_dispute"  # noqa: S608 - constants
            " WHERE state IN ('opened', 'answered') AND (state = 'answered' OR answer_by <= $4)",
            of_organisations=False,
        ),
    ),
    (K.CONTRACT_TO_ANSWER, Source(P.CONCLUDE_CONTRACT, _contract("provider", _ANSWERING.format("provider")))),
    (K.CONTRACT_TO_ANSWER, Source(P.CONCLUDE_CONTRACT, _contract("buyer", _ANSWERING.format("buyer")))),
    (K.CONTRACT_TO_SIGN, Source(P.CONCLUDE_CONTRACT, _contract("provider", _SIGNING.format("provider")))),
    (K.CONTRACT_TO_SIGN, Source(P.CONCLUDE_CONTRACT, _contract("buyer", _SIGNING.format("buyer")))),
    (
        K.QUOTA_TO_WATCH,
        Source(
            P.USE_CONTRACT,
            "SELECT 'contract', c.id, c.term_from, c.term_to FROM contract c JOIN contract_meter m ON m.contract_id = c.id"  # noqa: S608 - constants
            " WHERE c.buyer_id = $2 AND m.state = 'active' AND c.term_to > $4 AND m.quota > 1"
            f" AND (m.used + m.reserved) * 100 >= m.quota * {min(QUOTA_MARKS)}",
        ),
    ),
    (
        K.FUNDS_TO_WATCH,
        Source(P.RECORD_TRADE, _funds(f"f.gone * 100 >= f.came * {FUNDS_MARK} AND f.gone < f.came")),
    ),
    (K.FUNDS_EXHAUSTED, Source(P.RECORD_TRADE, _funds("f.gone = f.came"))),
    (
        K.REGISTRATION_TO_RENEW,
        Source(
            P.REGISTER_RESOURCE,
            f"SELECT 'resource', r.id, {_starts('r.valid_to - $6::int')}, {_starts('r.valid_to')}"  # noqa: S608 - constants
            " FROM zone z JOIN resource r ON r.zone_id = z.id"
            " WHERE z.operator_id = $2 AND r.state = 'registered' AND r.valid_to > $5 AND r.valid_to <= $5 + $6::int",
        ),
    ),
    (
        K.REGISTRATION_TO_ACCEPT,
        Source(P.REVIEW_RESOURCE, _filed("submitted", "submitted_on", "$7::int"), of_organisations=False),
    ),
    (
        K.REGISTRATION_TO_REVIEW,
        Source(P.REVIEW_RESOURCE, _filed("accepted", "accepted_on", "$8::int"), of_organisations=False),
    ),
    (
        K.REPORT_LATE,
        Source(
            P.FILE_INCOME,
            f"SELECT 'permitted_income', id, late_at, {_FAR} FROM permitted_income"  # noqa: S608 - constants
            " WHERE operator_id = $2 AND state = 'approved' AND late_at IS NOT NULL",
        ),
    ),
    (K.MANDATE_ENDING, Source(P.REGISTER_RESOURCE, _mandate("z.operator_id = $2"))),
    (K.MANDATE_ENDING, Source(P.MANAGE_ZONES, _mandate("true"), of_organisations=False)),
    (
        K.PRODUCT_TO_REVIEW,
        Source(
            P.REVIEW_PRODUCT,
            f"SELECT 'product', product_id, submitted_at, {_FAR} FROM product_version"  # noqa: S608 - constants
            " WHERE state = 'submitted' AND submitted_by <> $3",
            of_organisations=False,
        ),
    ),
    (
        K.PAYOUTS_TO_APPROVE,
        Source(
            P.MAKE_PAYOUT,
            _BATCH.format("made_at", "drafted", " AND actor_id <> $3"),
            of_organisations=False,
        ),
    ),
    (
        K.PAYOUTS_TO_SEND,
        Source(P.MAKE_PAYOUT, _BATCH.format("approved_at", "approved", ""), of_organisations=False),
    ),
    (
        K.RUN_TO_PUBLICISE,
        Source(
            P.APPROVE_SUBSIDY,
            _RUN.format("under_review", " AND calculated_by <> $3"),
            of_organisations=False,
        ),
    ),
    (
        K.RUN_TO_APPROVE,
        Source(
            P.APPROVE_SUBSIDY,
            _RUN.format(
                "publicised",
                " AND $3 NOT IN (calculated_by, reviewed_by) AND publicity_to < $5"
                " AND NOT EXISTS (SELECT FROM subsidy_run_objections(subsidy_run.id, $5) AS o WHERE o.unsettled + o.upheld > 0)",
            ),
            of_organisations=False,
        ),
    ),
    (
        K.CASE_TO_VERIFY,
        Source(
            P.REGISTER_CASE,
            f"SELECT 'case', id, created_at, {_FAR} FROM subsidy_case WHERE state IN ('registered', 'corrected')"  # noqa: S608 - constants
            " AND registered_by <> $3 AND corrected_by IS DISTINCT FROM $3",
            of_organisations=False,
        ),
    ),
    (
        K.APPLICATION_TO_DECIDE,
        Source(
            P.REGISTER_CASE,
            f"SELECT 'application', id, submitted_at, {_FAR} FROM subsidy_application"  # noqa: S608 - constants
            " WHERE state IN ('submitted', 'district_passed') AND passed_by IS DISTINCT FROM $3",
            of_organisations=False,
        ),
    ),
    (K.APPLICATION_TO_MEND, Source(P.FILE_PAPER, _OF_CALL.format("returned"))),
    (
        K.RUN_TO_SUPERSEDE,
        Source(
            P.CALCULATE_SUBSIDY,
            _RUN.format(
                "publicised",
                " AND (SELECT o.upheld > 0 FROM subsidy_run_objections(subsidy_run.id, $5) AS o)",
            ),
            of_organisations=False,
        ),
    ),
    (
        K.OBJECTION_TO_DECIDE,
        Source(P.APPROVE_SUBSIDY, _OBJECTION.format("$3 <> ALL (barred)"), of_organisations=False),
    ),
    (K.OBJECTION_TO_WATCH, Source(P.FILE_PAPER, _OBJECTION.format("enterprise_id = $2"))),
    (
        K.OBJECTION_TO_APPEAL,
        Source(
            P.FILE_PAPER,
            f"SELECT 'objection', id, decided_at, {_starts('appeal_by + 1')} FROM subsidy_objection r"  # noqa: S608 - constants
            " WHERE enterprise_id = $2 AND state = 'rejected' AND appeal_by >= $5"
            " AND NOT EXISTS (SELECT FROM subsidy_objection a WHERE a.appeal_of_id = r.id AND a.state <> 'withdrawn')",
        ),
    ),
    (K.AWARD_TO_CONFIRM, Source(P.FILE_PAPER, _OF_CALL.format("proposed"))),
    (
        K.RECOVERY_TO_DECIDE,
        Source(
            P.APPROVE_SUBSIDY,
            f"SELECT 'recovery', id, proposed_at, {_FAR} FROM subsidy_recovery"  # noqa: S608 - constants
            " WHERE ledger_id = $1 AND state = 'proposed' AND proposed_by <> $3",
            of_organisations=False,
        ),
    ),
    (K.INSTALMENT_TO_PAY, Source(P.READ_LEDGER, _INSTALMENT.format("r.enterprise_id = $2", ">="))),
    (K.INSTALMENT_OVERDUE, Source(P.READ_LEDGER, _INSTALMENT.format("r.enterprise_id = $2", "<"))),
    (
        K.INSTALMENT_OVERDUE,
        Source(P.PAY_SUBSIDY, _INSTALMENT.format("r.ledger_id = $1", "<"), of_organisations=False),
    ),
    (
        K.AWARD_TO_SET_OFF,
        Source(
            P.PAY_SUBSIDY,
            f"SELECT 'line', l.id, p.posted_at, {_FAR} FROM subsidy_run u JOIN subsidy_line l ON l.run_id = u.id"  # noqa: S608 - constants
            " JOIN subsidy_posting p ON p.line_id = l.id AND p.kind = 'subsidy_approved'"
            " WHERE u.ledger_id = $1 AND u.state = 'posted' AND $3 NOT IN (u.calculated_by, u.reviewed_by, u.approved_by)"
            " AND EXISTS (SELECT FROM subsidy_recovery r WHERE r.enterprise_id = l.enterprise_id AND r.ledger_id = $1"
            " AND r.state IN ('decided', 'recovering'))"
            " AND (SELECT count(*) FROM subsidy_posting o WHERE o.line_id = l.id) = 1"
            " AND NOT EXISTS (SELECT FROM subsidy_award_hold h WHERE h.line_id = l.id AND h.state <> 'released')",
            of_organisations=False,
        ),
    ),
    (K.AWARD_REFUSED, Source(P.READ_LEDGER, _REFUSED.format("p.payee_id = $2"))),
    (K.AWARD_TO_PAY_AGAIN, Source(P.PAY_SUBSIDY, _REFUSED.format("true"), of_organisations=False)),
    (K.SUBSCRIPTION_TO_REPLAY, Source(P.READ_MARKET, _PAUSED.format("participant_id = $2"))),
    (
        K.SUBSCRIPTION_TO_REPLAY,
        Source(
            P.READ_MARKET,
            _PAUSED.format("account_id = $3 AND participant_id IS NULL"),
            of_organisations=False,
        ),
    ),
)
_GIVEN = """
WITH given AS (
    SELECT $1::int, $2::uuid, $3::uuid, $4::timestamptz, $5::date, $6::int, $7::int, $8::int, $9::timestamptz, $10::uuid,
           $12::date[]
)
"""
"""The driver learns from it of what kind a value is that no arm of this caller's asks for."""
_PARENT = (
    "CASE subject_type WHEN 'dispute' THEN (SELECT trade_id FROM trade_dispute WHERE id = subject_id)"
    " WHEN 'mandate' THEN (SELECT zone_id FROM mandate WHERE id = subject_id) END"
)
_ARM = (
    "(SELECT '{kind}' AS kind, w.* FROM ({statement}) AS w (subject_type, subject_id, since, due)"
    " WHERE (due, subject_id) > ($9, $10) ORDER BY due, subject_id LIMIT $11)"
)


def _arms(actor: Actor) -> list[str]:
    """Of what the actor may do."""
    return [
        _ARM.format(kind=kind, statement=source.statement)
        for kind, source in _SOURCES
        if actor.may(source.asked) and (actor.participant_id is not None or not source.of_organisations)
    ]


async def list_matters(
    connection: Connection,
    ledger_id: int,
    *,
    visible_to: Actor,
    now: datetime,
    page: PageAsked[tuple[datetime, UUID]],
) -> list[Matter]:
    """By deadline; of a matter without one by its id, after all others. Whoever has no organisation is asked as an office."""
    arms = _arms(visible_to)
    if not arms:
        return []
    on = business_date(now)
    limits = limits_on(on)
    due, subject = page.after or (datetime.min.replace(tzinfo=UTC), UUID(int=0))
    rows = await connection.fetch(
        f"{_GIVEN}SELECT found.*, {_PARENT} AS parent_id FROM ({' UNION ALL '.join(arms)}) AS found"  # noqa: S608 - the arms above
        " ORDER BY due, subject_id LIMIT $11",
        ledger_id,
        visible_to.participant_id,
        visible_to.account_id,
        now,
        on,
        limits.renewal_window_days,
        limits.acceptance_working_days,
        limits.review_working_days,
        due,
        subject,
        page.limit + 1,
        SWITCHED_DAYS,
    )
    return [_matter(dict(row)) for row in rows]


def _matter(row: dict[str, Any]) -> Matter:
    until = None if row["due"] == FAR else row["due"]
    return Matter(kind=MatterKind(row.pop("kind")), until=until, **row)
