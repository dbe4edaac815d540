"""Vega-Lite documents drawn as SVG and PNG, by a process of its own: it may be stopped, and reads neither network nor files.

Run as a program it reads a document from standard input and writes both pictures.
"""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from datamarket.foundation.errors import Unavailable

VEGA_LITE = "5.20"
SCALE = 2
"""Of PNG: 144 dots an inch, which prints."""
DRAWN_WITHIN = 30
"""Seconds; a heat map of 41 × 41 takes one and a half of CPU."""
_drawers = ThreadPoolExecutor(1, "drawer")
"""One at a time a server: each is a JavaScript engine of 100 MB."""


class Drawing(NamedTuple):
    svg: bytes
    png: bytes


class ChartNotDrawn(Unavailable):
    code = "subsidy.chart-not-drawn"
    zh = "图表未能在 {seconds} 秒内绘成，测算未保存；请稍后重试。"
    en = "The chart was not drawn within {seconds} seconds and the study is not kept; try again later."


async def draw(spec: Mapping[str, Any]) -> Drawing:
    """Beside the event loop. Raises ChartNotDrawn."""
    return await asyncio.get_running_loop().run_in_executor(_drawers, draw_now, spec)


def draw_now(spec: Mapping[str, Any]) -> Drawing:
    """The same, waiting. Raises ChartNotDrawn."""
    program = [sys.executable, "-I", "-m", __name__]
    try:
        done = subprocess.run(  # noqa: S603 - this module, in this interpreter
            program, input=json.dumps(spec).encode(), capture_output=True, timeout=DRAWN_WITHIN, check=True
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise ChartNotDrawn(seconds=DRAWN_WITHIN) from error
    svg, png = done.stdout.split(b"\n")
    return Drawing(base64.b64decode(svg), base64.b64decode(png))


def _write() -> None:
    import vl_convert  # noqa: PLC0415 - a JavaScript engine, loaded by this process alone

    spec = json.load(sys.stdin)
    svg = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    png = vl_convert.svg_to_png(svg, scale=SCALE)
    sys.stdout.buffer.write(base64.b64encode(svg.encode()) + b"\n" + base64.b64encode(png))


if __name__ == "__main__":
    _write()
