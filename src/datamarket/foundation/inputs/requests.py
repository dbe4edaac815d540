"""How a route takes a request: who calls is asked, the query is looked at, then the body is read, whole or not at all."""

import re

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Form, ParamTypes
from fastapi.routing import APIRoute
from starlette.types import Message

from datamarket.foundation.errors import Invalid
from datamarket.foundation.inputs.bodies import BodyLimits, value_of

QUERY_LIMIT = 8 * 2**10
"""Octets: the longest address that every server on the way takes (RFC 9110, 4.1)."""
FORM_LIMITS = BodyLimits(octets=16 * 2**10)
"""Forms are read before anyone is known: six fields of 200 characters, escaped, are less."""
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
_KINDS = {
    JSON: re.compile(r"application/([\w.-]+\+)?json\s*(;.*)?", re.IGNORECASE | re.ASCII),
    FORM: re.compile(r"application/x-www-form-urlencoded\s*(;.*)?", re.IGNORECASE | re.ASCII),
}
_CHARSET = re.compile(r";\s*charset\s*=(?!\s*\"?utf-?8\"?\s*(?:;|$))", re.IGNORECASE)


class ParameterUnknown(Invalid):
    code = "request.parameter-unknown"
    zh = "该路径没有查询参数“{unknown}”；可用：“{known}”。"
    en = "This path has no query parameter '{unknown}'; it knows: '{known}'."


class QueryTooLong(Invalid):
    code = "request.query-too-long"
    zh = "查询字符串过长：至多 {octets} 字节。"
    en = "The query string is too long: at most {octets} bytes."


class BodyTooLarge(Invalid):
    code = "request.body-too-large"
    zh = "请求体过大：该路径上限为 {kib} KiB。"
    en = "The body is too large: this path takes at most {kib} KiB."


class BodyIncomplete(Invalid):
    code = "request.body-incomplete"
    zh = "请求体未在限时内完整到达。"
    en = "The body did not arrive whole and in time."


class MediaTypeUnknown(Invalid):
    code = "request.media-type-unknown"
    zh = "该路径只接受 Content-Type 为 {wanted}、字符编码为 UTF-8 的请求体。"
    en = "This path takes a body of the Content-Type {wanted}, in UTF-8, and no other."


class ReadRequest(Request):
    """A request whose body is there before the framework asks for it."""

    async def again(self) -> Message:
        """The body once more, for who reads the request from its start."""
        return {"type": "http.request", "body": await self.body(), "more_body": False}

    async def read(self, kind: str | None, limits: BodyLimits) -> None:
        """Raises BodyTooLarge, BodyIncomplete, MediaTypeUnknown, and what `value_of` raises."""
        self._body = await _whole(self, limits.octets)
        if self._body and kind:
            media = self.headers.get("content-type", "")
            if media != kind and (not _KINDS[kind].fullmatch(media) or _CHARSET.search(media)):
                raise MediaTypeUnknown(wanted=kind)
            if kind == JSON:
                self._json = value_of(self._body, limits.nodes)


async def _whole(request: Request, most: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 15 or int(declared) > most):
        raise BodyTooLarge(kib=most >> 10)
    parts: list[bytes] = []
    taken, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise BodyIncomplete
        parts.append(message.get("body", b""))
        taken += len(parts[-1])
        more = message.get("more_body", False)
        if taken > most:
            raise BodyTooLarge(kib=most >> 10)
    return b"".join(parts)


class RequestReader:
    """What one route asks of a request before its dependencies are solved.

    A dependency that has a `before_body`, a function of the request that may refuse it, is asked first.
    A body that nobody asked for is read for its fingerprint.
    """

    def __init__(self, route: APIRoute) -> None:
        self._guards = [
            guard
            for inner in route.dependant.dependencies
            if (guard := getattr(inner.call, "before_body", None))
        ]
        parameters = get_flat_params(route.dependant)
        self._known = frozenset(
            field.alias for field in parameters if getattr(field.field_info, "in_", None) is ParamTypes.query
        )
        self._kind, self._limits = None, BodyLimits()
        if route.body_field is not None:
            taken = route.body_field.field_info
            self._kind = FORM if isinstance(taken, Form) else JSON
            self._limits = (
                FORM_LIMITS if self._kind is FORM else getattr(taken.annotation, "limits", BodyLimits())
            )

    async def admit(self, request: Request) -> None:
        """Raises what the guards raise."""
        for guard in self._guards:
            await guard(request)

    async def read(self, request: ReadRequest) -> ReadRequest:
        """Raises what the guards raise, QueryTooLong, ParameterUnknown, and what reading the body raises."""
        await self.admit(request)
        if request.scope["query_string"]:
            self._check_query(request)
        if request.method != "GET":
            await request.read(self._kind, self._limits)
        return request

    def _check_query(self, request: Request) -> None:
        if len(request.scope["query_string"]) > QUERY_LIMIT:
            raise QueryTooLong(octets=QUERY_LIMIT)
        unknown = [name for name in request.query_params if name not in self._known]
        if unknown:
            raise ParameterUnknown(unknown=", ".join(unknown), known=", ".join(sorted(self._known)) or "-")
