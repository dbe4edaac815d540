"""The documentation pages, served from the package: a government network has no CDN."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import HTMLResponse, RedirectResponse
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

TAGS: list[dict[str, str]] = [
    {"name": "auth", "description": "登录与令牌 · signing in, tokens"},
    {"name": "accounts", "description": "账户 · accounts"},
    {
        "name": "participants",
        "description": "市场主体、准入、资格与关联关系 · organisations, admission, certificates",
    },
    {"name": "zones", "description": "公共数据专区、授权与应用场景 · zones, mandates, scenarios"},
    {"name": "resources", "description": "公共数据资源登记 · registration of public-data resources"},
    {"name": "catalogue", "description": "交易场所、产品与挂牌 · venues, products, listings"},
    {"name": "contracts", "description": "授权使用合约与计量 · authorised-use contracts, metered use"},
    {"name": "trading", "description": "交易、退款与凭证 · trades, refunds, certificates"},
    {"name": "ledger", "description": "复式账簿 · the double-entry ledger"},
    {"name": "payouts", "description": "出款、银行对账单与对账 · payouts, bank statements, reconciliation"},
    {"name": "subsidy", "description": "奖补方案、运行、解释与测算 · schemes, runs, explanations, studies"},
    {"name": "evidence", "description": "审计事件、封存与证明 · audit events, the sealed log, proofs"},
    {"name": "statistics", "description": "公开统计 · public statistics"},
    {"name": "operations", "description": "健康检查与指标 · health and metrics"},
]
"""In the order in which a market comes to be."""


def mount(app: FastAPI) -> None:
    """/docs (try it out) and /redoc (to read), with their scripts beside them."""
    folder = Path(fastapi_offline.__file__).parent / "static"
    app.mount(ASSETS, StaticFiles(directory=folder), name="docs-assets")

    @app.get("/", include_in_schema=False)
    async def front_door() -> RedirectResponse:
        return RedirectResponse("/docs")

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
