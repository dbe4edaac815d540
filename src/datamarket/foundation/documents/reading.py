"""What others wrote is read up to a bound that is known before, and beside the event loop."""

import asyncio
import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple, ParamSpec, Self, TypeVar

from datamarket.foundation.errors import Invalid

READ_AT_ONCE = 2
"""Files of requests that one process reads at the same time: the rest wait, the event loop does not."""
_readers = ThreadPoolExecutor(READ_AT_ONCE, "reader")
ReadP = ParamSpec("ReadP")
ReadT = TypeVar("ReadT")


class SystemFault(NamedTuple):
    """Why the system refuses a file or an address, in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, error: OSError) -> Self:
        """By its number; what is not listed is not explained."""
        return cls(*_FAULTS.get(error.errno or 0, ("系统未说明原因", "the system gives no known reason")))


_FAULTS = {
    errno.ENOENT: ("文件或文件夹不存在", "it is not there"),
    errno.EACCES: ("没有访问权限", "access to it is not allowed"),
    errno.EPERM: ("系统不允许此操作", "the system does not allow it"),
    errno.EISDIR: ("它是文件夹，不是文件", "it is a folder, not a file"),
    errno.ENOTDIR: ("路径中有一段不是文件夹", "a part of its path is no folder"),
    errno.EEXIST: ("它已存在", "it is there already"),
    errno.ENOSPC: ("磁盘空间已满", "the disk is full"),
    errno.EROFS: ("所在磁盘为只读", "its disk is read-only"),
    errno.ENAMETOOLONG: ("名称过长", "its name is too long"),
    errno.ELOOP: ("链接循环", "its links go round"),
    errno.EMFILE: ("打开的文件过多", "too many files are open"),
    errno.EIO: ("磁盘读写出错", "the disk failed"),
    errno.ETXTBSY: ("文件正被其他程序使用", "another program uses it"),
    errno.EADDRINUSE: ("该端口已被占用", "the address is in use already"),
    errno.EADDRNOTAVAIL: ("本机没有该地址", "this machine has no such address"),
}


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
