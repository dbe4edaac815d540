"""Pages in Chinese that print on A4, with nothing fetched and no script: the same parts give the same bytes."""

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape

from datamarket.foundation.money import Fen, capital_numerals, yuan

_STYLE = (
    "@page{size:A4;margin:25mm 20mm}body{font:12pt/1.8 FangSong,STFangsong,'Noto Serif CJK SC',serif;max-width:170mm;margin:auto;padding:0 4mm}"
    "h1{font-size:18pt;text-align:center}h2{font-size:13pt}p{text-indent:2em;margin:.4em 0}p.to{text-indent:0}p.end{text-align:right}"
    "table{border-collapse:collapse;width:100%}th,td{border:1px solid;padding:2px 6px;text-align:left}th{white-space:nowrap}.n{text-align:right;white-space:nowrap}"
    "tr{break-inside:avoid}thead{display:table-header-group}footer{font-size:9pt;margin-top:2em;overflow-wrap:anywhere}"
)


def page(title: str, *parts: str) -> str:
    """Its title above its parts, which are HTML."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{_STYLE}</style>'
    body = "\n".join([f"<h1>{escape(title)}</h1>", *parts])
    return f'<!doctype html>\n<html lang="zh-CN"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def addressed(number: object, name: str, uscc: str) -> str:
    """The number of a letter, and to whom it goes."""
    return f'<p class="end">编号：{escape(str(number))}</p>\n<p class="to">{escape(f"{name}（统一社会信用代码 {uscc}）：")}</p>'


def signed(*lines: str) -> str:
    """Who issues it, and when."""
    return "\n".join(f'<p class="end">{escape(line)}</p>' for line in lines)


def footer(*lines: str) -> str:
    return f"<footer>{'<br>'.join(map(escape, lines))}</footer>"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], total: str | None = None) -> str:
    """The last column holds amounts; below them their total."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings[:-1])
    head += f'<th class="n">{escape(headings[-1])}</th>'
    body = [_row(row) for row in rows]
    if total is not None:
        body.append(f'<tr><td colspan="{len(headings) - 1}">小计</td><td class="n">{escape(total)}</td></tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _row(cells: Sequence[str]) -> str:
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells[:-1])
    return f'<tr>{told}<td class="n">{escape(cells[-1])}</td></tr>'


def within(text: str) -> str:
    """A title that itself stands in quotation marks."""
    return text.replace("“", "‘").replace("”", "’")


def day_told(day: date | None) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if day else "（尚未公示）"


def sum_told(amount: Fen) -> str:
    """In figures and in capital numerals."""
    return f"人民币{yuan(amount, grouped=True)}元（大写：{capital_numerals(amount)}）"
