"""Pages: what one asks of the API, and the template that shows it; refusals are shown in the API's own sentences."""

import functools
import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any
from urllib.parse import urlencode

import jinja2
from fastapi import FastAPI, Request, Response
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Match, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from datamarket.edge.problems import language_of as asked_language
from datamarket.edge.problems import status_of
from datamarket.foundation.errors import Language, MarketError
from datamarket.foundation.http import API_PREFIX
from datamarket.foundation.ids import new_id
from datamarket.portal.asking import Declined
from datamarket.portal.navigation import HOMES, PUBLIC, desks_of
from datamarket.portal.sessions import Visit, language_of
from datamarket.portal.words import figures
from datamarket.portal.words.columns import shown_fields
from datamarket.portal.words.tongues import LANGUAGES, Tongue

HERE = Path(__file__).parent
STATIC = "/portal"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_GUARDS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Shown = Mapping[str, Any] | Response
Made = Callable[..., Awaitable[Shown]]
routes: list[Route] = []
"""Of every page, in the order in which they were declared."""


@functools.cache
def _environment(language: Language) -> jinja2.Environment:
    words = Tongue(language)
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(words.sentence, words.plural, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(
        money=figures.money,
        wan=figures.ten_thousands,
        count=figures.count,
        instant=figures.instant,
        share=figures.share,
        rounded=functools.partial(figures.rounded, language=language),
        many=functools.partial(figures.many, language=language),
        label=words.label,
        named=words.of,
        name=words.name,
        home=home_of,
        near_page=lambda way, path: way.is_near(path),
    )
    made.globals.update(
        language=language,
        words=words,
        static=static_url,
        is_instant=figures.is_instant,
        shown_fields=shown_fields,
    )
    return made


@functools.cache
def _homes() -> list[tuple[str, Route]]:
    """Beginning of a path of the API → the page of the things there, of those pages that are declared."""
    declared = {route.path: route for route in routes}
    return [(begins, declared[page]) for begins, page in HOMES if page in declared]


def home_of(path: str) -> str:
    """The page on which the thing at a path of the API is shown: its own, or a sheet of the desk."""
    for begins, route in _homes():
        at = route.path.partition("{")[0] + path.removeprefix(begins).removesuffix("/explanation")
        if path.startswith(begins) and route.path_regex.match(at):
            return at
    return f"/desk{path}"


@functools.cache
def static_url(name: str) -> str:
    """The address of a file of ours, with its digest: it may be kept for ever."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"{STATIC}/{name}?v={digest}"


def render(visit: Visit, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A page of our own, guarded: it runs no script but ours, and stands in no frame."""
    now = visit.request.app.state.read_clock()
    text = _environment(visit.language).get_template(template).render(
        visit=visit, now=now, ways_public=PUBLIC, desks=desks_of(visit), days_until=functools.partial(figures.days_until, now=now),
        new_key=lambda: str(new_id(now)), **shown,
    )  # fmt: skip
    return HTMLResponse(text, status, _GUARDS | {"Content-Language": visit.language})


def page(
    path: str, template: str = "", *, signed_in: bool = False, methods: tuple[str, ...] = ("GET",)
) -> Callable[[Made], Made]:
    """Declares a page: the function asks for what `template` shows, or answers by itself.

    Its further parameters are those of the path. A page that is `signed_in` sends a visitor to sign in first.
    """

    def declare(make: Made) -> Made:
        takes = set(inspect.signature(make).parameters) - {"visit"}

        async def shown(visit: Visit) -> Response:
            await visit.wake()
            if signed_in and visit.who is None:
                return sign_in_first(visit)
            made = await make(visit, **{name: visit.request.path_params[name] for name in takes})
            return made if isinstance(made, Response) else render(visit, template, **made)

        async def answer(request: Request) -> Response:
            request.scope["route"] = route  # by which it is counted and logged
            visit = Visit(request, language_of(request, asked_language(request)))
            if request.query_params.get("lang") in LANGUAGES:
                visit.choose(request.query_params["lang"])
                return visit.close(_without_choice(request))
            try:
                return visit.close(await shown(visit))
            except Declined as refusal:
                return visit.close(refused(visit, refusal))
            except MarketError as error:
                told = {"detail": error.sentence(visit.language), "code": error.code}
                return visit.close(render(visit, "refused.html", status_of(error), problem=told))
            finally:
                await request.close()  # with the files that were sent

        route = Route(path, answer, methods=list(methods), name=make.__name__)
        routes.append(route)
        return make

    return declare


def _without_choice(request: Request) -> Response:
    """The same address, without the language that was chosen by it."""
    url = request.url.remove_query_params("lang")
    return RedirectResponse(url.path + (f"?{url.query}" if url.query else ""), 303)


def sign_in_first(visit: Visit) -> Response:
    return RedirectResponse(f"/sign-in?{urlencode({'next': visit.path})}", 303)


def refused(visit: Visit, refusal: Declined) -> Response:
    """The API's sentence as a page; who is not known is asked to sign in."""
    if refusal.status == 401 and visit.who is None and visit.request.method == "GET":
        return sign_in_first(visit)
    return render(visit, "refused.html", refusal.status, problem=refusal.problem)


def mount(app: FastAPI) -> None:
    """Every page that a module of the portal declares, and our own files, whose addresses carry their digests."""
    for module in sorted(found.name for found in walk_packages([str(HERE)], "datamarket.portal.")):
        import_module(module)
    app.mount(STATIC, StaticFiles(directory=HERE / "static"), name="portal")
    app.router.routes.extend(routes)
    app.router.routes.append(Lost("/{path:path}", _lost, methods=["GET"], name="lost"))


class Lost(Route):
    """What no route answers, asked by a reader: a page says so. Programs, and all that asks the API, are told in JSON."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if (
            scope["type"] != "http"
            or scope["method"] not in {"GET", "HEAD"}
            or scope["path"].startswith(API_PREFIX)
        ):
            return Match.NONE, {}
        accepted = Headers(scope=scope).get("accept", "")
        return super().matches(scope) if "text/html" in accepted else (Match.NONE, {})


async def _lost(request: Request) -> Response:
    visit = Visit(request, language_of(request, asked_language(request)))
    await visit.wake()
    return visit.close(render(visit, "lost.html", 404))
