"""The market's own application, on which each request says what day it is: a year of trade in two minutes."""

import os
from contextvars import ContextVar
from datetime import datetime, timedelta

from starlette.types import ASGIApp, Receive, Scope, Send

from datamarket.auth.terms import Actor
from datamarket.auth.tokens import TokenKeeper, load_key
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app

DAY_HEADER = "X-Market-Day"
BASE = "LOADTESTS_FIRST_INSTANT"
_day: ContextVar[int] = ContextVar("day", default=0)


class StandingTokens(TokenKeeper):
    """Tokens are read as on the first day: their quarter of an hour is not what is tried here."""

    def __init__(self, settings: Settings, base: datetime) -> None:
        super().__init__(load_key(settings), settings)
        self._base = base

    def read(self, token: str, *, now: datetime) -> Actor:
        del now
        return super().read(token, now=self._base)


def application() -> ASGIApp:
    """What uvicorn runs: settings and database from the environment."""
    settings = Settings()
    base = datetime.fromisoformat(os.environ[BASE])
    app = create_app(
        settings,
        Database(settings.database_url, settings.pool_size),
        read_clock=lambda: base + timedelta(days=_day.get()),
    )
    app.state.tokens = StandingTokens(settings, base)

    async def dated(scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", [])).get(DAY_HEADER.lower().encode())
        if given is not None:
            _day.set(int(given))
        await app(scope, receive, send)

    return dated
