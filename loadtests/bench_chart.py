"""Curves as an SVG: lines over a logarithmic axis of connections or rows, each named at its end."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, log2, log10

WIDTH, HEIGHT, LEFT, RIGHT, EDGE = 760, 360, 70, 190, 40
COLOURS = ("#0b6e99", "#c0392b", "#2e7d32", "#8e44ad", "#b9770e", "#37474f")
LINES = 5
Points = Sequence[tuple[float, float]]


def chart(title: str, series: Mapping[str, Points]) -> str:
    """Every series by its name; x doubles from mark to mark, y begins at nothing."""
    marks = sorted({x for points in series.values() for x, _ in points})
    top = _round_up(max(y for points in series.values() for _, y in points))
    span = log2(marks[-1] / marks[0]) or 1

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * log2(x / marks[0]) / span
        return round(across, 1), round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * y / top, 1)

    parts = [_text(LEFT, EDGE / 2, title)]
    for number in range(LINES + 1):
        y = top * number / LINES
        _, down = place(marks[0], y)
        parts.append(f'<path d="M{LEFT} {down}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 8, down + 4, f"{y:,.4g}" if y < 1 else f"{y:,.0f}", anchor="end"))
    parts += [_text(place(x, 0)[0], HEIGHT - EDGE + 18, f"{x:,.0f}", anchor="middle") for x in marks]
    for (name, points), colour in zip(series.items(), COLOURS, strict=False):
        line = " ".join("{},{}".format(*place(x, y)) for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        across, down = place(*points[-1])
        parts.append(_text(across + 6, down + 4, name, colour=colour))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        f' font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = "#333") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def _round_up(largest: float) -> float:
    """To the next 1, 2 or 5 with its noughts."""
    size = 10 ** (ceil(log10(largest)) - 1) if largest > 0 else 1
    return next(step * size for step in (1, 2, 5, 10) if step * size >= largest)
