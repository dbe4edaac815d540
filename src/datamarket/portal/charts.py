"""Charts of public figures: a Vega-Lite document made here, drawn once by the process that draws studies, and kept.

A chart shows what the API answered; the same figures stand beside it as a table and as CSV. None is read back from it.
"""

import hashlib
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
    False: {"bar": "#0b6e8f", "ink": "#17242c", "quiet": "#566771", "line": "#d7e0e5"},
    True: {"bar": "#58bcdc", "ink": "#e6eef2", "quiet": "#9fb2bc", "line": "#2b3c46"},
}
_GUARDS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "private, max-age=300",
    "Vary": "Cookie, Accept-Language",
}
_drawn: OrderedDict[str, bytes] = OrderedDict()


class Kind(NamedTuple):
    """One chart: where its figures are asked for, whether its bars stand, and what a group is called."""

    path: str
    query: Mapping[str, Any]
    upright: bool
    headings: tuple[str, str]


KINDS = {
    "turnover": Kind("/statistics/turnover", {"by": "month"}, upright=True, headings=("月份", "Month")),
    "zones": Kind("/statistics/turnover", {"by": "zone"}, upright=False, headings=("专区", "Zone")),
    "league": Kind(
        "/statistics/league-table", {"limit": SHOWN}, upright=False, headings=("企业", "Enterprise")
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
    """Bars of net turnover, in the order of the answer; in ten thousands of yuan in Chinese."""
    colours, unit = _COLOURS[dark], 10_000 if words.language == "zh" else 1_000
    title = {"zh": "交易净额（万元）", "en": "Net turnover (thousand yuan)"}[words.language]
    rows = [
        {"name": _short(item, words, kind), "net": item["net_fen"] / FEN_PER_YUAN / unit} for item in items
    ]
    of = {
        "field": "name",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {
            "labelAngle": 0 if not kind.upright or not narrow else -50,
            "labelLimit": 150 if narrow else 260,
        },
    }
    net = {"field": "net", "type": "quantitative", "title": title, "axis": {"format": ",", "tickCount": 5}}
    across, up = (of, net) if kind.upright else (net, of)
    size = (
        {"width": 300 if narrow else 640, "height": 220}
        if kind.upright
        else {"width": 190 if narrow else 460, "height": {"step": 26}}
    )
    return {
        "$schema": SCHEMA,
        "background": None,
        "config": {
            "font": FONTS,
            "axis": {"labelColor": colours["quiet"], "titleColor": colours["quiet"], "gridColor": colours["line"], "domainColor": colours["line"], "tickColor": colours["line"], "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
            "view": {"stroke": None},
        },
        "data": {"values": rows},
        "mark": {"type": "bar", "color": colours["bar"], "cornerRadiusEnd": 3},
        "encoding": {"x": across, "y": up},
        **size,
    }  # fmt: skip


def _short(item: Mapping[str, Any], words: Tongue, kind: Kind) -> str:
    """A month by its number where the year is said above it."""
    if kind.upright:
        year, month = str(item["key"]).split("-")
        return f"{year}-{month}"
    return words.of(dict(item))
