"""A JSON body: read one way only, and in bounds that cost little time and memory."""

import re
from typing import Any, NamedTuple

import orjson

from datamarket.foundation.errors import Invalid

MOST_KEYS = 100
"""Names in one object: no shape of ours has half of them, and each that is not known makes a fault."""
DEEPEST = 32
"""Levels of lists and objects: what recursion takes anywhere behind, with room."""


class BodyLimits(NamedTuple):
    """What a route reads: octets, and nodes, which are the names and values of a document together."""

    octets: int = 2**20
    nodes: int = 10_000


class BodyTooComplex(Invalid):
    code = "request.body-too-complex"
    zh = "请求体过于繁复：该路径至多 {nodes} 个名称和值，每个对象至多 {keys} 个名称，至多嵌套 {levels} 层。"
    en = "The body is too complex: at most {nodes} names and values, {keys} names in an object, {levels} levels."


class BodyUnreadable(Invalid):
    code = "request.unreadable"
    zh = "请求无法解析。"
    en = "The request cannot be read."


class NameRepeated(Invalid):
    code = "request.name-repeated"
    zh = "请求体中有对象重复了同一名称：只能出现一次。"
    en = "An object of the body repeats a name; each may stand once."


_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""Never steps back, and closes at the end what nobody closed: each byte is looked at once."""


def value_of(body: bytes, most: int) -> Any:
    """The value of a JSON text (RFC 8259) of at most so many nodes.

    The nodes are counted by the marks before them, at first with those inside of strings: most bodies
    are done then. Raises BodyTooComplex, BodyUnreadable or NameRepeated.
    """
    counted = body
    if len(body) > most and _marks(body) > most:
        counted = body if _strings(body) > most else _bare(body)
        if _marks(counted) > most:
            raise BodyTooComplex(nodes=most, keys=MOST_KEYS, levels=DEEPEST)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BodyUnreadable from None
    flat = isinstance(value, dict) and body.count(b"{") + body.count(b"[") == 1 and len(value) <= MOST_KEYS
    names = len(value) if flat else _names(value, most)
    if names != counted.count(b":") and names != _bare(counted).count(b":"):
        raise NameRepeated
    return value


def _marks(text: bytes) -> int:
    return 1 + sum(map(text.count, (b",", b":", b"[", b"{")))


def _strings(text: bytes) -> int:
    """At least half of the strings in it: a quote that ends one is not counted where a backslash stands before."""
    return (text.count(b'"') - text.count(b'\\"')) // 2


def _bare(text: bytes) -> bytes:
    """The same without its strings."""
    return _STRING.sub(b"", text)


def _names(value: Any, most: int) -> int:
    """How many names stand in all its objects, level by level. Raises BodyTooComplex."""
    names, depth, level = 0, 0, [value]
    while level:
        objects = [node for node in level if type(node) is dict]
        lists = [node for node in level if type(node) is list]
        depth += bool(objects or lists)
        if depth > DEEPEST or max(map(len, objects), default=0) > MOST_KEYS:
            raise BodyTooComplex(nodes=most, keys=MOST_KEYS, levels=DEEPEST)
        names += sum(map(len, objects))
        level = [inner for node in objects for inner in node.values()]
        level += [inner for node in lists for inner in node]
    return names
