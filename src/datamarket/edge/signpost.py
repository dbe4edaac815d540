"""Which routers a path may belong to: the one it is for is asked first. A hot route is not searched for."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from starlette.routing import BaseRoute, Match, compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from datamarket.foundation.http import API_PREFIX, MarketRoute, finished
from datamarket.foundation.inputs.hot import HotCall, is_hot
from datamarket.foundation.inputs.requests import ReadRequest


class Signpost(BaseRoute):
    """Stands before all routers, and asks first those of which a route begins with the same word.

    Forty routers that dismiss a path take longer than the answer. What it does not find is left to the scan.
    """

    def __init__(self) -> None:
        self._leading: dict[str, list[BaseRoute]] = {}
        self.hot: dict[str, list[tuple[re.Pattern[str], MarketRoute, HotCall]]] = {}

    def include(self, app: FastAPI, router: APIRouter, prefix: str = "") -> None:
        """As `app.include_router` does."""
        app.include_router(router, prefix=prefix)
        for word in {_first_word(getattr(route, "path", "")) for route in router.routes}:
            self._leading.setdefault(word, []).append(app.routes[-1])
        paths = (getattr(route, "path", "") for route in router.routes)
        spelt = "|".join(re.escape(prefix + path) for path in paths if "{" not in path)
        for route in router.routes:
            if isinstance(route, MarketRoute) and is_hot(route):
                pattern = compile_path(prefix + route.path)[0].pattern
                # a path that is spelt out is not the one with a hole: `/listings/facets` is no listing
                entry = re.compile(f"(?!(?:{spelt})$){pattern}"), route, HotCall(route)
                for method in route.methods or ():
                    self.hot.setdefault(method, []).append(entry)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http":
            for route in self._leading.get(_first_word(scope["path"].removeprefix(API_PREFIX)), ()):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    return match, {**found, "pointed_at": route}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["pointed_at"].handle(scope, receive, send)


def _first_word(path: str) -> str:
    return path[1:].partition("/")[0]


class HotMiddleware:
    """Answers hot routes on the spot: the guards, errors and answers are those of every other route."""

    def __init__(self, app: ASGIApp, market: FastAPI, signpost: Signpost) -> None:
        self.app = app
        self._hot = signpost.hot
        self._told: Mapping[Any, Callable[..., Any]] = market.exception_handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for pattern, route, call in self._hot.get(scope["method"], ()):
                if found := pattern.match(scope["path"]):
                    scope.update(route=route, endpoint=route.endpoint, path_params=found.groupdict())
                    request = ReadRequest(scope, receive)
                    response = await self._answer(route, call, request)
                    if response is None:
                        await self.app(scope, request.again, send)
                    else:
                        await response(scope, receive, send)
                    return
        await self.app(scope, receive, send)

    async def _answer(self, route: MarketRoute, call: HotCall, request: ReadRequest) -> Response | None:
        """None: the framework is to say what is wrong with it. What nobody foresaw goes on to the outermost layer."""
        try:
            response = await call(await route.reader.read(request))
            return response and await finished(request, response)
        except Exception as error:
            foreseen = (kind for kind in type(error).__mro__ if kind in self._told and kind is not Exception)
            told = self._told.get(next(foreseen, None))
            if told is None:
                raise
            answer: Response = await told(request, error)
            return answer
