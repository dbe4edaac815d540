"""What a statement of the bank must be, and what may be matched, pure."""

from datetime import date

from datamarket.foundation.errors import Conflict, Invalid, Refused
from datamarket.foundation.money import yuan
from datamarket.payouts.terms import (
    StatementFile,
)


class StatementUnbalanced(Invalid):
    code = "bank.statement-unbalanced"
    zh = "对账单不平：期初 {opening} 元加发生额 {moved} 元不等于期末 {closing} 元。"
    en = "The statement does not add up: {opening} CNY plus movements of {moved} CNY are not {closing} CNY."


class StatementOutOfOrder(Conflict):
    code = "bank.statement-out-of-order"
    zh = "对账单须按日期先后导入：最近一份为 {last}。"
    en = "Statements are imported in the order of their days: the last is of {last}."


class StatementGap(Conflict):
    code = "bank.statement-gap"
    zh = "期初余额 {opening} 元与上一份对账单（{last}）的期末余额 {closing} 元不符。"
    en = "The opening balance of {opening} CNY is not the closing balance of {closing} CNY of the statement before ({last})."


class StatementUntimely(Invalid):
    code = "bank.statement-untimely"
    zh = "对账单日期 {day} 晚于今天。"
    en = "The statement is of {day}, which has not come yet."


class LineMatchedAlready(Conflict):
    code = "bank.line-matched-already"
    zh = "该银行流水已匹配。"
    en = "This bank line has its entry already."


class EntryMatchedAlready(Conflict):
    code = "bank.entry-matched-already"
    zh = "该分录已与另一笔银行流水匹配。"
    en = "This entry has another bank line already."


class MatchAmountDiffers(Refused):
    code = "bank.match-amount-differs"
    zh = "银行流水为 {line} 元，分录在银行存款账户为 {entry} 元，不能匹配。"
    en = "The bank line is of {line} CNY, the entry moves {entry} CNY at the bank: they do not match."


def check_adds_up(statement: StatementFile) -> None:
    """Opening plus movements is closing. Raises StatementUnbalanced."""
    moved = sum(line.amount_fen for line in statement.lines)
    if statement.opening_fen + moved != statement.closing_fen:
        raise StatementUnbalanced(
            opening=yuan(statement.opening_fen), moved=yuan(moved), closing=yuan(statement.closing_fen)
        )


def check_follows(statement: StatementFile, last: date, closing_fen: int) -> None:
    """Each statement goes on where the one before ended. Raises StatementOutOfOrder, StatementGap."""
    if statement.day <= last:
        raise StatementOutOfOrder(last=last.isoformat())
    if statement.opening_fen != closing_fen:
        raise StatementGap(
            opening=yuan(statement.opening_fen), closing=yuan(closing_fen), last=last.isoformat()
        )
