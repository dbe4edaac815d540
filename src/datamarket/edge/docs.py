"""The documentation pages, served from the package: a government network has no CDN."""

import functools
import gzip
import hashlib
import re
from base64 import b64encode
from pathlib import Path

import fastapi_offline
import orjson
from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from datamarket.edge.answers import takes_gzip
from datamarket.foundation.http import tags_in

DOCUMENT = "/openapi.json"
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
    {
        "name": "prices",
        "description": "准许收入、上限价格与价目 · permitted income, ceilings, the list of prices",
    },
    {"name": "contracts", "description": "授权使用合约与计量 · authorised-use contracts, metered use"},
    {
        "name": "authority",
        "description": "授权链条与授权的存续 · the chain of authority, and a mandate's life",
    },
    {"name": "trading", "description": "交易、退款与凭证 · trades, refunds, certificates"},
    {"name": "ledger", "description": "复式账簿 · the double-entry ledger"},
    {"name": "payouts", "description": "出款、银行对账单与对账 · payouts, bank statements, reconciliation"},
    {"name": "subsidy", "description": "奖补方案、运行、解释与测算 · schemes, runs, explanations, studies"},
    {"name": "evidence", "description": "审计事件、封存与证明 · audit events, the sealed log, proofs"},
    {"name": "notices", "description": "事件流、待办与订阅 · the feed of events, the inbox, subscriptions"},
    {
        "name": "dataspace",
        "description": "数据空间协议连接器与传输 · connectors of the Dataspace Protocol, transfers",
    },
    {"name": "statistics", "description": "公开统计 · public statistics"},
    {"name": "operations", "description": "健康检查与指标 · health and metrics"},
]
"""In the order in which a market comes to be."""


def mount(app: FastAPI) -> None:
    """/docs (try it out) and /redoc (to read), with their scripts beside them, and the document that both show."""
    folder = Path(fastapi_offline.__file__).parent / "static"
    app.mount(ASSETS, StaticFiles(directory=folder), name="docs-assets")
    try_it_out = get_swagger_ui_html(
        openapi_url=DOCUMENT,
        title="datamarket",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
    )
    read_it = get_redoc_html(
        openapi_url=DOCUMENT,
        title="datamarket",
        redoc_js_url=f"{ASSETS}/redoc.standalone.js",
        redoc_favicon_url=f"{ASSETS}/favicon.png",
        with_google_fonts=False,
    )
    fixed = {"/docs": _guarded(try_it_out), "/redoc": _guarded(read_it)}
    app.router.routes.extend(Route(path, page, methods=["GET"]) for path, page in fixed.items())

    @functools.cache
    def written() -> tuple[str, Response, Response]:
        """The document's tag, and the document as it is sent, plain and packed."""
        body = orjson.dumps(app.openapi())
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        packed = {"ETag": f"W/{tag}", "Content-Encoding": "gzip"}
        kind = "application/json"
        return tag, Response(body, 200, {"ETag": tag}, kind), Response(gzip.compress(body), 200, packed, kind)

    def document(request: Request) -> Response:  # in a thread: the first time takes a second
        tag, plain, packed = written()
        if tags_in(request.headers.get("if-none-match", "")) & {tag, "*"}:
            return Response(status_code=304, headers={"ETag": tag})
        return packed if takes_gzip(request.scope) else plain

    app.add_route(DOCUMENT, document, methods=["GET"])


def _guarded(page: HTMLResponse) -> HTMLResponse:
    """Runs its own scripts only, asks this host only, and stands in no frame.

    The pages' libraries style their parts in place; Redoc searches in a worker that it makes of a blob.
    """
    inline = re.findall(rb"<script>(.*?)</script>", bytes(page.body), re.DOTALL)
    known = "".join(f" 'sha256-{b64encode(hashlib.sha256(script).digest()).decode()}'" for script in inline)
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'{known}; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
        "img-src 'self' data:; font-src 'self' data:; worker-src blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    page.headers["X-Frame-Options"] = "DENY"
    return page
