"""So many requests at once in one worker: the next is told to come again, before any work is done for it."""

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
            return
        try:
            self._crowd.enter()
        except Crowded as full:
            await problem(Request(scope), full)(scope, receive, send)
            return
        await self._inside(scope, receive, send)

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Who waits for a body takes no place meanwhile: forty that never send theirs would else keep all others out."""
        places = 1

        async def receive_outside() -> Message:
            nonlocal places
            for _ in range(places):
                self._crowd.leave()
            places = 0
            message = await receive()
            self._crowd.enter()
            places += 1
            return message

        try:
            await self.app(scope, receive_outside, send)
        finally:
            for _ in range(places):
                self._crowd.leave()
