"""What others wrote is read up to a bound that is known before, and beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from datamarket.foundation.errors import Invalid

READ_AT_ONCE = 2
"""Files of requests that one process reads at the same time: the rest wait, the event loop does not."""
_readers = ThreadPoolExecutor(READ_AT_ONCE, "reader")
ReadP = ParamSpec("ReadP")
ReadT = TypeVar("ReadT")


class FileUnusable(Invalid):
    code = "file.unusable"
    zh = "无法读写“{file}”：{reason}。"
    en = "'{file}' cannot be read or written: {reason}."


def read_at_most(path: Path, most: int) -> bytes:
    """The file; of a larger one `most` + 1 bytes, by which it is known. Raises OSError."""
    with path.open("rb") as file:
        return file.read(most + 1)


async def read_aside(read: Callable[ReadP, ReadT], *given: ReadP.args, **named: ReadP.kwargs) -> ReadT:
    """What `read` makes of a request's file, in a thread. Raises what it raises."""
    return await asyncio.get_running_loop().run_in_executor(_readers, partial(read, *given, **named))
