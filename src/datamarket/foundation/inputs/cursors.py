"""Cursors: the sort key of the last item of a page, sealed for the list that it belongs to.

The next page stands on what its cursor says, a statement's even on a balance: so nobody but this market can write
one, and it opens no other list, nor the same list under other filters.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from hashlib import blake2b
from hmac import compare_digest
from typing import Any
from uuid import UUID

import orjson

from datamarket.foundation.errors import Invalid

TAG_BYTES = 16
"""Of a keyed BLAKE2b (RFC 7693), a tenth of the time of HMAC-SHA-256: 128 bits cannot be guessed, and are short."""
LONGEST = 700
"""Characters of a cursor: by name it holds 400 hexadecimal digits and an id."""
_NEXT = re.compile(rb'"next":"([A-Za-z0-9_-]+)"}$')


class CursorInvalid(Invalid):
    code = "page.cursor-invalid"
    zh = "分页游标无效，或属于另一列表、另一组筛选条件；请使用上一页返回的 next，或去掉 after 从头开始。"
    en = "The page cursor is not one of ours, or is of another list or other filters; use `next` of the page before, or leave `after` out."


def seal_of(secret: bytes, path: str, filters: Iterable[tuple[str, str]]) -> bytes:
    """The key of one list: its path, and by what it is filtered and ordered."""
    return blake2b(repr((path, sorted(filters))).encode(), key=secret).digest()


def encode_cursor(values: Sequence[object], seal: bytes) -> str:
    """The sort key of the last item on a page, opaque to the caller; the driver's UUIDs go in as text."""
    told = orjson.dumps(list(values), default=str)
    return base64.urlsafe_b64encode(_tag(seal, told) + told).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, kinds: Sequence[type], seal: bytes) -> list[Any] | None:
    """The sort key back, each value of the kind asked for. Raises CursorInvalid."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        told = raw[TAG_BYTES:]
        if not compare_digest(raw[:TAG_BYTES], _tag(seal, told)):
            raise CursorInvalid
        return [_restore(value, kind) for value, kind in zip(orjson.loads(told), kinds, strict=True)]
    except (ValueError, TypeError, AttributeError):  # no base64; or ours, of a release with other keys
        raise CursorInvalid from None


def _tag(seal: bytes, told: bytes) -> bytes:
    return blake2b(told, key=seal, digest_size=TAG_BYTES).digest()


def _restore(value: Any, kind: type) -> Any:
    if kind is UUID:
        return UUID(value)
    return kind.fromisoformat(value) if kind in {date, datetime} else value


def next_of(page: bytes) -> str | None:
    """The cursor of the page after, which closes the JSON of every page; none on the last."""
    found = _NEXT.search(page, max(0, len(page) - LONGEST - 20))
    return found.group(1).decode() if found else None
