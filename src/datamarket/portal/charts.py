"""Charts of public figures: a Vega-Lite document made here, drawn once by the process that draws studies, and kept.

A chart shows what the API answered; the same figures stand beside it as a table and as CSV. None is read back from it.
"""

import hashlib
from calendar import month_abbr
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from fastapi import Response

from datamarket.foundation.money import FEN_PER_YUAN
from datamarket.foundation.shapes import attached
from datamarket.foundation.spreadsheets.cells import CSV, amount, csv_of
from datamarket.portal.asking import Declined
from datamarket.portal.pages import Shown, page
from datamarket.portal.sessions import Visit
from datamarket.portal.words.tongues import Tongue
from datamarket.subsidy.questions.charts import FONTS, SCHEMA
from datamarket.subsidy.questions.drawing import draw

KEPT = 64
"""Drawings of ten kilobytes."""
SHOWN = 12
"""Bars beside one another; the table below the chart holds all."""
_COLOURS = {
    False: {"bar": "#0b6e8f", "quiet": "#566771", "line": "#d7e0e5"},
    True: {"bar": "#58bcdc", "quiet": "#9fb2bc", "line": "#2b3c46"},
}
_GUARDS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "private, max-age=300",
    "Vary": "Cookie, Accept-Language",
}
_drawn: OrderedDict[str, bytes] = OrderedDict()


class Kind(NamedTuple):
    """One chart: where its figures are asked for, whether its bars stand, how wide they are, and what a group is called."""

    path: str
    query: Mapping[str, Any]
    upright: bool
    width: int
    headings: tuple[str, str]


KINDS = {
    "turnover": Kind(
        "/statistics/turnover", {"by": "month"}, upright=True, width=520, headings=("月份", "Month")
    ),
    "zones": Kind(
        "/statistics/turnover", {"by": "zone"}, upright=False, width=400, headings=("专区", "Zone")
    ),
    "league": Kind(
        "/statistics/league-table",
        {"limit": SHOWN},
        upright=False,
        width=720,
        headings=("企业", "Enterprise"),
    ),
}
NET = ("交易净额（元）", "Net turnover (yuan)")


async def _asked(visit: Visit, name: str) -> tuple[Kind, list[dict[str, Any]]]:
    """The figures of a chart, months in their order. Raises Declined."""
    if name not in KINDS:
        raise Declined(404, {})
    kind = KINDS[name]
    answer = await visit.ask.get(kind.path, **kind.query, year=visit.request.query_params.get("year"))
    items: list[dict[str, Any]] = answer["items"]
    return kind, items[::-1] if kind.upright else items


@page("/charts/{name}.svg")
async def chart(visit: Visit, name: str) -> Shown:
    """A picture, in the reader's language; `dark=1` on dark ground, `narrow=1` for a telephone."""
    kind, items = await _asked(visit, name)
    asked = visit.request.query_params
    spec = _spec(
        kind,
        items[:SHOWN] if not kind.upright else items,
        Tongue(visit.language),
        narrow="narrow" in asked,
        dark="dark" in asked,
    )
    digest = hashlib.sha256(orjson.dumps(spec)).hexdigest()
    if digest not in _drawn:
        _drawn[digest] = (await draw(spec)).svg
        while len(_drawn) > KEPT:
            _drawn.popitem(last=False)
    _drawn.move_to_end(digest)
    return Response(
        _drawn[digest], headers=_GUARDS | {"ETag": f'"{digest[:20]}"'}, media_type="image/svg+xml"
    )


@page("/charts/{name}.csv")
async def figures_of(visit: Visit, name: str) -> Shown:
    """The same figures as a file, exact."""
    kind, items = await _asked(visit, name)
    words = Tongue(visit.language)
    fields = ("trades", "free_trades", "gross_fen", "refunded_fen", "disputed_fen", "net_fen")
    headings = [_either(words, kind.headings), *(words.name(field) for field in fields)]
    rows = [
        [words.of(item), *(amount(item[one]) if one.endswith("_fen") else item[one] for one in fields)]
        for item in items
    ]
    year = visit.request.query_params.get("year", "")
    return attached(
        csv_of(headings, rows),
        f"{CSV}; charset=utf-8",
        f"{name}{'-' if year.isdigit() else ''}{year if year.isdigit() else ''}.csv",
    )


def _either(words: Tongue, both: tuple[str, str]) -> str:
    return both[words.language == "en"]


def _spec(
    kind: Kind, items: Sequence[Mapping[str, Any]], words: Tongue, *, narrow: bool, dark: bool
) -> dict[str, Any]:
    """Bars of net turnover, in the order of the answer; in ten thousands of yuan in Chinese, in thousands in English."""
    colours, unit = _COLOURS[dark], 10_000 if words.language == "zh" else 1_000
    of_one_year = len({str(item.get("key"))[:4] for item in items}) == 1
    rows = [
        {
            "name": _month(item["key"], words) if kind.upright and of_one_year else words.of(dict(item)),
            "net": item["net_fen"] / FEN_PER_YUAN / unit,
        }
        for item in items
    ]
    turned = -50 if kind.upright and narrow else 0
    labels = {"labelAngle": turned, "labelLimit": 150 if narrow else 300}
    of = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": labels}
    title = _either(words, ("交易净额（万元）", "Net turnover (thousand yuan)"))
    net = {"field": "net", "type": "quantitative", "title": title, "axis": {"format": ",~f", "tickCount": 5}}
    across, up = (of, net) if kind.upright else (net, of)
    width = kind.width if not narrow else 300 if kind.upright else 190
    axis = {f"{part}Color": colours["quiet"] for part in ("label", "title")}
    axis |= {f"{part}Color": colours["line"] for part in ("grid", "domain", "tick")}
    return {
        "$schema": SCHEMA,
        "background": None,
        "config": {
            "font": FONTS,
            "axis": axis | {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
            "view": {"stroke": None},
        },
        "data": {"values": rows},
        "mark": {"type": "bar", "color": colours["bar"], "cornerRadiusEnd": 3},
        "encoding": {"x": across, "y": up},
        "width": width,
        "height": 230 if kind.upright else {"step": 26},
    }


def _month(key: str, words: Tongue) -> str:
    """Without its year, which is said above the chart."""
    return f"{int(key[-2:])}月" if words.language == "zh" else month_abbr[int(key[-2:])]
