"""The life of a recovery, pure: what may be decided, how the plan is paid, and what of a drift is a ground."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from datamarket.auth.terms import Actor, Permission
from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.money import yuan
from datamarket.foundation.states import Life
from datamarket.subsidy.recoveries.terms import DueInstalment, RecoveryCause, RecoveryEvent, RecoveryState
from datamarket.subsidy.terms import Line, LineStatus, StepKind

S, E = RecoveryState, RecoveryEvent
RECOVERY_LIFE = Life(
    "recovery",
    "奖补追回",
    "Recovery of an award",
    {
        (S.PROPOSED, E.DECIDE): S.DECIDED,
        (S.PROPOSED, E.CANCEL): S.CANCELLED,
        (S.DECIDED, E.CANCEL): S.CANCELLED,
        (S.DECIDED, E.RECEIVE): S.RECOVERING,
        (S.RECOVERING, E.RECEIVE): S.RECOVERING,
        (S.DECIDED, E.COMPLETE): S.RECOVERED,
        (S.RECOVERING, E.COMPLETE): S.RECOVERED,
        (S.DECIDED, E.RESTORE): S.DECIDED,
        (S.RECOVERING, E.RESTORE): S.RECOVERING,
        (S.RECOVERED, E.RESTORE): S.RECOVERED,
    },
    reasons=frozenset({E.DECIDE, E.CANCEL, E.RESTORE}),
)
BY_PERSONS = (E.DECIDE, E.CANCEL, E.RESTORE)
"""What an account may ask for; the rest follows from what came in."""
OWED = (S.DECIDED, S.RECOVERING)
"""Something is still to come."""
OPEN = (S.PROPOSED, *OWED)
BINDING = (*OWED, S.RECOVERED)
"""What counts against that which was paid."""
FINABLE = frozenset({RecoveryCause.FLAG, RecoveryCause.FRAUD})
"""Causes that a fine may follow: what was only given back, or put right, was not obtained by fraud."""


class RecoverySameHand(Refused):
    code = "subsidy.recovery-same-hand"
    zh = "追回须由提出人以外的账户决定。"
    en = "A recovery is decided by another account than the one that proposed it."


class RecoveryNotPaid(Refused):
    code = "subsidy.recovery-not-paid"
    zh = "该明细没有已支付的奖补，无从追回。"
    en = "Nothing was paid under this line; there is nothing to recover."


class RecoveryGroundless(Refused):
    code = "subsidy.recovery-groundless"
    zh = "按现有账簿，该奖补没有以“{cause}”为由应追回的金额；以其他依据追回的须写明金额。"
    en = "By today's books nothing of this award is to come back for '{cause}'; on another ground say the amount."


class RecoveryExceeds(Refused):
    code = "subsidy.recovery-exceeds"
    zh = "追回 {asked} 元超过尚可追回的 {left} 元（已支付减去已决定追回）。"
    en = "A recovery of {asked} CNY exceeds the {left} CNY that are left: what was paid less what is decided already."


class RecoveryBeyondPaid(Refused):
    code = "subsidy.recovery-beyond-paid"
    zh = "已决定追回的合计不得超过该奖补已支付的金额。"
    en = "What is decided for recovery never exceeds what was paid of the award."


class RecoveryOpen(Conflict):
    code = "subsidy.recovery-open"
    zh = "该奖补以同一原因提出的追回尚未了结。"
    en = "A recovery of this award for the same cause is still open."


class FineUnfounded(Refused):
    code = "subsidy.fine-unfounded"
    zh = "原因为“{cause}”的追回不处罚款：罚款只针对骗取。"
    en = "A recovery for '{cause}' carries no fine: a fine is for fraud."


class InstalmentsUnequal(Invalid):
    code = "subsidy.instalments-unequal"
    zh = "分期合计 {sum} 元，应等于追回与罚款合计 {total} 元。"
    en = "The instalments add up to {sum} CNY; amount and fine are {total} CNY."


class InstalmentsUntimely(Invalid):
    code = "subsidy.instalments-untimely"
    zh = "第 {n} 期应在决定日 {today} 当日或之后，且晚于前一期。"
    en = "Instalment {n} is due on the day of the decision, {today}, or after it, and later than the one before."


class ReceiptExceeds(Refused):
    code = "subsidy.receipt-exceeds"
    zh = "收款 {asked} 元超过未收回的 {open} 元。"
    en = "A payment of {asked} CNY exceeds the {open} CNY that are open."


class NothingToSetOff(Refused):
    code = "subsidy.nothing-to-set-off"
    zh = "该奖补不是已记账待支付的，或企业没有未收回的追回款。"
    en = "This award is not payable and unpaid, or its enterprise owes nothing back."


class NothingToRestore(Refused):
    code = "subsidy.nothing-to-restore"
    zh = "现有账簿没有支持恢复该项追回的任何金额。"
    en = "Today's books justify again nothing of what this recovery took."


class RecoveryBeyondBooks(Refused):
    code = "subsidy.recovery-beyond-books"
    zh = "以骗取为由的追回不因账簿恢复：骗取不是账簿上的事实。"
    en = "What was recovered for fraud is not restored by the books: fraud is no fact of theirs."


def check_left(asked: int, left: int) -> None:
    """Raises RecoveryExceeds."""
    if asked > left:
        raise RecoveryExceeds(asked=yuan(asked), left=yuan(left))


def check_plan(plan: Sequence[tuple[date, int]], total: int, today: date) -> None:
    """Raises InstalmentsUnequal and InstalmentsUntimely."""
    if (planned := sum(amount for _, amount in plan)) != total:
        raise InstalmentsUnequal(sum=yuan(planned), total=yuan(total))
    for n, (due_on, _) in enumerate(plan, 1):
        if due_on < today or (n > 1 and due_on <= plan[n - 2][0]):
            raise InstalmentsUntimely(n=n, today=today.isoformat())


def paid_down(plan: Sequence[tuple[int, date, int]], received: int) -> list[DueInstalment]:
    """What is left of each instalment when all that came in pays the oldest first."""
    standing = []
    for n, due_on, amount in plan:
        paid = min(amount, received)
        received -= paid
        standing.append(DueInstalment(n, due_on, amount, amount - paid))
    return standing


def events_open_to(
    actor: Actor, state: RecoveryState, proposed_by: UUID, cause: RecoveryCause
) -> list[RecoveryEvent]:
    """What this actor may do with a recovery now; whether the books justify anything again is asked when it is restored."""
    may = actor.may(Permission.APPROVE_SUBSIDY)
    never = {E.RESTORE} if cause is RecoveryCause.FRAUD else set()
    never |= {E.DECIDE} if actor.account_id == proposed_by else set()
    return [
        event for event in RECOVERY_LIFE.open_in(state) if may and event in BY_PERSONS and event not in never
    ]


def cause_of(before: Line, after: Line | None) -> RecoveryCause | None:
    """What of its own facts takes an award down; none when only others' did, or a fact is not known: that is no ground.

    Of refunds and flagged sales the larger is named; a condition that holds no more outweighs both.
    """
    if after is None:
        return RecoveryCause.REVOKED
    if after.status is LineStatus.HELD:
        return None
    failing = _failing(after) - _failing(before)
    if failing:
        return RecoveryCause.REVOKED if "case_listed_in_period" in failing else RecoveryCause.CORRECTION
    if (after.base_fen or 0) >= (before.base_fen or 0):
        return None
    grown = {
        cause: _deducted(after, name) - _deducted(before, name)
        for cause, name in (
            (RecoveryCause.FLAG, "flagged_turnover_fen"),
            (RecoveryCause.REFUND, "refunds_fen"),
        )
    }
    cause = max(grown, key=lambda known: grown[known])
    return cause if grown[cause] > 0 else RecoveryCause.CORRECTION


def justified(before: Line, after: Line | None, paid: int) -> int:
    """What today's books justify of a paid award: all where its own facts give no less, nothing where one is not known."""
    if after is None or after.status is LineStatus.HELD:
        return 0
    return paid if cause_of(before, after) is None else min(after.amount_fen, paid)


def restorable(recovered: int, *, paid: int, fallen: int, justified_now: int) -> int:
    """What of one recovery the books justify again: above what its award has left once all that fell by the books is taken off.

    What was recovered for fraud is not in `fallen`: it stays recovered whatever the books say.
    """
    return max(0, min(recovered, justified_now - (paid - fallen)))


def _failing(line: Line) -> set[str]:
    return {
        str(step.figures["predicate"]) for step in line.steps_of(StepKind.CONDITION) if not step.figures["ok"]
    }


def _deducted(line: Line, name: str) -> int:
    return sum(int(step.figures.get(name) or 0) for step in line.steps_of(StepKind.BASE))
