"""The documentation pages, served from the package: a government network has no CDN."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

ASSETS = "/docs/assets"
DESCRIPTION = """
The simulated public-data market of a city. 城市公共数据要素市场（模拟）。

**One grammar.** `POST /things` makes a draft · `POST /things/{id}/events {"event": …}` moves it ·
`GET /things/{id}/allowed-events` says which events are open to you now · lists take `limit` and `after`
and answer `{"items": [...], "next": …}` · every write takes an `Idempotency-Key` · amounts are whole
fen (`*_fen`, 1 CNY = 100 fen) · errors are RFC 9457 problem documents with a stable `code`, in Chinese
or English by `Accept-Language`.
"""


def mount(app: FastAPI) -> None:
    """/docs (try it out) and /redoc (to read), with their scripts beside them."""
    folder = Path(fastapi_offline.__file__).parent / "static"
    app.mount(ASSETS, StaticFiles(directory=folder), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def try_it_out() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="datamarket",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
        )

    @app.get("/redoc", include_in_schema=False)
    async def read_it() -> HTMLResponse:
        return get_redoc_html(
            openapi_url="/openapi.json",
            title="datamarket",
            redoc_js_url=f"{ASSETS}/redoc.standalone.js",
            redoc_favicon_url=f"{ASSETS}/favicon.png",
            with_google_fonts=False,
        )
