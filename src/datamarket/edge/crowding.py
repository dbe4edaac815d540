"""So many requests at once in one worker: the next is told to come again, before any work is done for it."""

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from datamarket.edge.problems import problem
from datamarket.foundation.http import API_PREFIX
from datamarket.foundation.settings import Settings
from datamarket.foundation.waiting.crowds import Crowd, Crowded


class CrowdMiddleware:
    """Bounds with one number all that wait inside: at the desks, for connections, with their bodies in memory.

    The posting of a batch takes turns with everything that has arrived, a dozen for each batch: where many are let in
    only to be refused further down, the batch is what waits. Health and metrics are always answered.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._crowd = Crowd(settings.requests_at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(API_PREFIX):
            await self.app(scope, receive, send)
        elif self._crowd.full:
            await problem(Request(scope), Crowded())(scope, receive, send)
        else:
            with self._crowd.entered():
                await self.app(scope, receive, send)
