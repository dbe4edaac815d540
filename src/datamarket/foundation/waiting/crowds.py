"""Where many wait for little: who comes when all places are taken is sent away at once, not kept until it is too late."""

from collections.abc import Iterator
from contextlib import contextmanager

from datamarket.foundation.errors import Unavailable


class Crowded(Unavailable):
    code = "request.crowded"
    zh = "此刻等待处理的请求过多，本次请求未产生任何变更；请稍后重试。"
    en = "Too many requests are waiting just now; nothing was changed. Retry in a moment."


class Crowd:
    """So many at once, at work and waiting together."""

    def __init__(self, most: int) -> None:
        self._most, self._inside = most, 0

    def enter(self) -> None:
        """Raises Crowded."""
        if self._inside >= self._most:
            raise Crowded
        self._inside += 1

    def leave(self) -> None:
        self._inside -= 1

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Inside for as long as the block lasts. Raises Crowded."""
        self.enter()
        try:
            yield
        finally:
            self.leave()
