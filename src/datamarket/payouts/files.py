"""The three files between market and bank: payments out, the bank's advice back, the day's statement.

CSV in UTF-8 with fixed columns and one line end; the same content gives the same bytes. A text that a
spreadsheet would take for a formula is written behind an apostrophe, which is taken off again when read.
The file of payments ends with their count, their sum and a SHA-256 of all that stands above.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from datamarket.foundation.errors import Invalid
from datamarket.foundation.inputs.texts import unseen_in
from datamarket.foundation.money import Fen, parse_yuan, yuan
from datamarket.payouts.terms import (
    AdviceLine,
    BankAnswer,
    BankFile,
    PaymentOrder,
    StatementFile,
    StatementLine,
)

PAYMENTS = ("record", "sequence", "reference", "payee_code", "payee_name", "amount", "currency", "purpose")
ADVICE = ("reference", "result", "day", "code", "reason")
STATEMENT = ("record", "value_on", "reference", "amount", "text")
FORMAT, CURRENCY = "1", "CNY"
MOST_BYTES = 16 << 20
MOST_LINES = 20_000
"""Four times the largest batch; a day's statement may hold several."""
LONGEST_TEXT = 400
LARGEST_AMOUNT = 10**16  # in fen; thousands of them still fit a bigint
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_DAY = re.compile(r"(?:19|2\d)\d\d-\d\d-\d\d", re.ASCII)
NumberedCells = tuple[int, list[str]]


class FileInvalid(Invalid):
    code = "payout.file-invalid"
    zh = "文件第 {line} 行有误：{problem_zh}。"
    en = "Line {line} of the file: {problem_en}."


class ControlDiffers(Invalid):
    code = "payout.control-differs"
    zh = "付款文件的笔数、合计或校验值与内容不符，文件不可使用。"
    en = "Count, sum or control value of the payment file do not agree with its content; it must not be used."


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _bare(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _written(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _rows(text: str, columns: Sequence[str]) -> Iterator[NumberedCells]:
    """Each row with its number as a person counts; the header is checked. Raises FileInvalid."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    number = 1
    try:
        for number, row in enumerate(reader, 1):
            if number == 1 and tuple(row) != tuple(columns):
                raise _wrong(1, f"表头须为 {','.join(columns)}", f"the header must be {','.join(columns)}")
            if number > MOST_LINES:
                raise _wrong(number, f"超过 {MOST_LINES} 行", f"there are more than {MOST_LINES} lines")
            if len(row) != len(columns):
                raise _wrong(number, f"须有 {len(columns)} 列", f"it must have {len(columns)} columns")
            if max(map(len, row)) > LONGEST_TEXT:
                raise _wrong(number, "内容过长", "a cell is too long")
            if fault := unseen_in("".join(row)):
                raise _wrong(number, fault.zh, fault.en)
            if number > 1:
                yield number, row
    except csv.Error:
        raise _wrong(number, "不是有效的 CSV", "it is not CSV") from None


def _wrong(line: int, zh: str, en: str) -> FileInvalid:
    return FileInvalid(line=line, problem_zh=zh, problem_en=en)


def _amount(line: int, text: str) -> Fen:
    try:
        amount = parse_yuan(text)
    except ValueError:
        raise _wrong(line, f"金额“{text}”无法识别", f"'{text}' is not an amount") from None
    if abs(amount) > LARGEST_AMOUNT:
        raise _wrong(line, f"金额“{text}”超过上限", f"'{text}' is beyond the ceiling")
    return amount


def _day(line: int, text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise _wrong(line, f"日期“{text}”无法识别", f"'{text}' is not a day such as 2024-06-03")


def write_payments(file: BankFile) -> bytes:
    """The file that the bank gets."""
    rows: list[Sequence[str]] = [PAYMENTS]
    rows.append(("head", FORMAT, file.number, "", "", "", CURRENCY, file.day.isoformat()))
    for sequence, order in enumerate(file.orders, 1):
        texts = (order.reference, order.payee_code, order.payee_name)
        amount = yuan(order.amount_fen)
        rows.append(("pay", str(sequence), *map(_guarded, texts), amount, CURRENCY, _guarded(order.purpose)))
    above = _written(rows).encode()
    control = hashlib.sha256(above).hexdigest()
    tail = ("tail", str(len(file.orders)), control, "", "", yuan(file.total_fen), CURRENCY, "")
    return above + _written([tail]).encode()


def read_payments(content: bytes) -> BankFile:
    """The file back. Raises FileInvalid, or ControlDiffers for one that was changed on its way."""
    if len(content) > MOST_BYTES:
        raise _wrong(1, "文件超过 16 MiB", "the file is larger than 16 MiB")
    try:
        rows = list(_rows(content.decode(), PAYMENTS))
    except UnicodeDecodeError:
        raise _wrong(1, "不是 UTF-8", "it is not UTF-8") from None
    if len(rows) < 2 or rows[0][1][0] != "head" or rows[-1][1][0] != "tail":
        raise ControlDiffers
    head = rows[0][1]
    orders = tuple(_order(number, row) for number, row in rows[1:-1])
    file = BankFile(head[2], _day(rows[0][0], head[7]), orders)
    if write_payments(file) != content:
        raise ControlDiffers
    return file


def _order(number: int, row: list[str]) -> PaymentOrder:
    if row[0] != "pay":
        raise _wrong(number, f"未知记录“{row[0]}”", f"'{row[0]}' is no record")
    return PaymentOrder(_bare(row[2]), _bare(row[3]), _bare(row[4]), _amount(number, row[5]), _bare(row[7]))


def write_advice(lines: Iterable[AdviceLine]) -> str:
    """The bank's answers."""
    return _written(
        [
            ADVICE,
            *(
                (line.reference, line.result, line.day.isoformat(), line.code, _guarded(line.reason))
                for line in lines
            ),
        ]
    )


def read_advice(text: str) -> list[tuple[int, AdviceLine]]:
    """Each answer with its line; a refusal has a code and a reason, an execution neither. Raises FileInvalid."""
    return [(number, _advice(number, row)) for number, row in _rows(text, ADVICE)]


def _advice(number: int, row: list[str]) -> AdviceLine:
    reference, result, day, code, reason = row
    if result not in set(BankAnswer):
        raise _wrong(
            number, f"结果“{result}”须为 executed 或 refused", f"'{result}' is neither executed nor refused"
        )
    told = bool(code.strip()), bool(reason.strip())
    if told != ((True, True) if result == BankAnswer.REFUSED else (False, False)):
        raise _wrong(
            number, "退回须有代码和原因，付款则没有", "a refusal has code and reason, an execution neither"
        )
    return AdviceLine(reference, BankAnswer(result), _day(number, day), code.strip(), _bare(reason).strip())


def write_statement(statement: StatementFile) -> str:
    """A day at the bank, as the bank writes it."""
    day = statement.day.isoformat()
    rows: list[Sequence[str]] = [STATEMENT, ("opening", day, "", yuan(statement.opening_fen), "")]
    for line in statement.lines:
        texts = _guarded(line.reference), yuan(line.amount_fen), _guarded(line.text)
        rows.append(("line", line.value_on.isoformat(), *texts))
    return _written([*rows, ("closing", day, "", yuan(statement.closing_fen), "")])


def read_statement(text: str) -> StatementFile:
    """A day at the bank. Raises FileInvalid; whether it adds up is `rules.check_adds_up`."""
    rows = list(_rows(text, STATEMENT))
    if len(rows) < 2 or rows[0][1][0] != "opening" or rows[-1][1][0] != "closing":
        raise _wrong(1, "须以 opening 行开始、closing 行结束", "it runs from an opening to a closing row")
    (first, opening), (last, closing) = rows[0], rows[-1]
    day = _day(first, opening[1])
    if _day(last, closing[1]) != day:
        raise _wrong(last, "期末日期与期初不同", "the closing row is of another day")
    lines = tuple(_movement(number, row) for number, row in rows[1:-1])
    return StatementFile(day, _amount(first, opening[3]), _amount(last, closing[3]), lines)


def _movement(number: int, row: list[str]) -> StatementLine:
    record, value_on, reference, amount, text = row
    if record != "line" or _amount(number, amount) == 0:
        raise _wrong(number, "不是有发生额的 line 行", "it is not a line with an amount")
    return StatementLine(_day(number, value_on), _amount(number, amount), _bare(reference), _bare(text))
