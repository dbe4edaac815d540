"""Every refusal as RFC 9457 problem+json, in the caller's language; the one table family → status."""

import logging
from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException as StarletteHTTPException

from datamarket.edge.paths import methods_of
from datamarket.foundation import errors
from datamarket.foundation.db import Busy, DatabaseUnavailable, refusal_of
from datamarket.foundation.http import Shape, TagMissing
from datamarket.foundation.idempotency import KeyMissing, Replayed
from datamarket.foundation.inputs.batches import FAULTS_TOLD, REST
from datamarket.foundation.inputs.bodies import BodyUnreadable
from datamarket.foundation.inputs.requests import (
    BodyIncomplete,
    BodyTooLarge,
    MediaTypeUnknown,
    QueryTooLong,
)
from datamarket.foundation.shapes import answered

log = logging.getLogger("datamarket")

STATUS_OF: dict[type[errors.MarketError], int] = {
    KeyMissing: 400,
    BodyUnreadable: 400,
    BodyIncomplete: 408,
    BodyTooLarge: 413,
    QueryTooLong: 414,
    MediaTypeUnknown: 415,
    TagMissing: 428,
    errors.Invalid: 422,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Stale: 412,
    errors.Refused: 409,
    errors.Unavailable: 503,
}
RETRY_AFTER_SECONDS = "1"
BUSY = {"55P03", "40P01", "40001", "57014"}
"""Lock not available, deadlock, serialisation failure, statement cancelled."""


class RequestInvalid(errors.Invalid):
    code = "request.invalid"
    zh = "请求有 {count} 处不符合规定，见 errors。"
    en = "The request has {count} fault(s), see `errors`."


class PathUnknown(errors.NotFound):
    code = "request.path-unknown"
    zh = "没有这个路径。"
    en = "There is no such path."


class MethodNotAllowed(errors.Invalid):
    code = "request.method-not-allowed"
    zh = "该路径不支持此方法。"
    en = "This path does not know that method."


class TooManyRequests(errors.Unavailable):
    code = "request.rate-limited"
    zh = "请求过于频繁，请在 {seconds} 秒后重试。"
    en = "Too many requests; retry in {seconds} second(s)."


class TextNotStorable(errors.Invalid):
    code = "request.text-not-storable"
    zh = "请求中含有数据库无法保存的字符或超出范围的数值。"
    en = "The request has a character or a number that cannot be stored."


class Unforeseen(errors.MarketError):
    code = "internal"
    zh = "系统内部错误，已记录；请凭 trace_id 联系我们。"
    en = "An internal error, logged; tell us the trace_id."


class FieldFault(Shape):
    """One fault of a request: where (JSON pointer), which, and what."""

    pointer: str
    code: str
    message: str


class Problem(Shape):
    """RFC 9457 with `code` (stable), `retryable`, `trace_id` and, for faulty requests, `errors`."""

    type: str = Field(examples=["urn:datamarket:error:contract.use-not-authorised"])
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(examples=["contract.use-not-authorised"])
    retryable: bool
    trace_id: str
    errors: list[FieldFault] = Field(default_factory=list)


MEANINGS = {
    400: "no Idempotency-Key, or not readable",
    401: "sign in first",
    403: "your roles do not include this",
    404: "not there, or not yours",
    408: "the body came too slowly",
    409: "the state of things, or a rule of the market, says no",
    412: "changed since you read it",
    413: "body too large",
    414: "query string too long",
    415: "body of another kind than is taken",
    422: "faulty request",
    428: "If-Match is needed",
    429: "too many requests",
    503: "nothing was changed; retry with the same key",
}
"""What the document says of each refusal."""


def language_of(request: Request) -> errors.Language:
    """Chinese, unless the caller prefers English."""
    for part in request.headers.get("accept-language", "").lower().split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("en"):
            return "en"
        if tag.startswith("zh"):
            return "zh"
    return "zh"


def status_of(error: errors.MarketError) -> int:
    """The status of the nearest family; what no family claims is ours to mend: 500."""
    for family in type(error).__mro__:
        if family in STATUS_OF:
            return STATUS_OF[family]
    return 500


def problem(
    request: Request,
    error: errors.MarketError,
    *,
    status: int | None = None,
    faults: list[FieldFault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One refusal as a response."""
    language = language_of(request)
    code = status or status_of(error)
    document = Problem(
        type=f"urn:datamarket:error:{error.code}",
        title=type(error).__name__,
        status=code,
        detail=error.sentence(language),
        instance=request.url.path,
        code=error.code,
        retryable=error.retryable,
        trace_id=request.scope.get("request_id", "-"),
        errors=faults or _pointed(error, language),
    )
    extra = dict(headers or {}) | {"Content-Language": language}
    if error.retryable:
        extra.setdefault("Retry-After", RETRY_AFTER_SECONDS)
    if code == 401:
        extra["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(document.model_dump()), code, extra, "application/problem+json")


def _pointed(error: errors.MarketError, language: errors.Language) -> list[FieldFault]:
    """Where in the request the refused part stands, when the error knows."""
    if error.pointer is None:
        return []
    return [FieldFault(pointer=error.pointer, code=error.code, message=error.sentence(language))]


FAULTS_ZH = {
    "missing": "缺少该项",
    "extra_forbidden": "不认识该项",
    "string_type": "应为文本",
    "string_too_short": "文本过短",
    "string_too_long": "文本过长",
    "string_pattern_mismatch": "写法不符合规定",
    "int_type": "应为整数（不带小数点和引号）",
    "int_parsing": "应为整数",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "enum": "不在可选值之列：{expected}",
    "literal_error": "不在可选值之列：{expected}",
    "uuid_type": "应为 UUID",
    "uuid_parsing": "应为 UUID",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不得小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不得大于 {le}",
    "list_type": "应为列表",
    "too_short": "项数过少（至少 {min_length}）",
    "too_long": "项数过多（至多 {max_length}）",
    "dict_type": "应为对象",
    "model_attributes_type": "应为对象",
    "model_type": "应为对象",
    "datetime_from_date_parsing": "应为带时区的时间（RFC 3339）",
    "datetime_parsing": "应为带时区的时间（RFC 3339）",
    "timezone_aware": "时间须带时区",
    "date_from_datetime_parsing": "应为日期（yyyy-mm-dd）",
    "date_parsing": "应为日期（yyyy-mm-dd）",
}


def _told(fault: Mapping[str, Any], language: errors.Language) -> str:
    """One fault in the reader's language; a kind without Chinese words keeps the English ones."""
    chinese = FAULTS_ZH.get(fault["type"]) if language == "zh" else None
    return chinese.format(**fault.get("ctx", {})) if chinese else str(fault["msg"])


def faults_of(error: RequestValidationError, language: errors.Language) -> list[FieldFault]:
    """Pydantic's report, as JSON pointers."""
    return [
        FieldFault(
            pointer="/"
            + "/".join(str(part)[:200].replace("~", "~0").replace("/", "~1") for part in fault["loc"]),
            code=fault["type"],
            message=_told(fault, language),
        )
        for fault in error.errors()[:FAULTS_TOLD]
    ]


def count_of(error: RequestValidationError) -> int:
    """How many faults there are, told or not."""
    return sum(fault["ctx"]["count"] if fault["type"] == REST else 1 for fault in error.errors())


async def _market(request: Request, error: Exception) -> Response:
    if isinstance(error, Replayed):
        return answered(error.answer)
    assert isinstance(error, errors.MarketError)  # noqa: S101 - registered for this class only
    return problem(request, error)


async def _faulty(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    if any(
        fault["loc"][:2] == ("header", "Idempotency-Key") and fault["type"] == "missing"
        for fault in error.errors()
    ):
        return problem(request, KeyMissing())
    faults = faults_of(error, language_of(request))
    return problem(request, RequestInvalid(count=count_of(error)), faults=faults)


async def _routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - registered for this class only
    refusal: errors.MarketError
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            refusal = PathUnknown()
        case 405:
            refusal = MethodNotAllowed()
            known = methods_of(request.app, request.url.path)
            headers |= {"Allow": ", ".join(known)} if known else {}
        case _:
            refusal = BodyUnreadable()
    return problem(request, refusal, status=error.status_code, headers=headers)


def install(app: FastAPI, constraint_errors: Mapping[str, type[errors.MarketError]]) -> None:
    """Teach the application to answer each kind of failure."""

    async def failed(request: Request, error: Exception) -> Response:
        return problem(request, translate(error, constraint_errors))

    app.add_exception_handler(errors.MarketError, _market)
    app.add_exception_handler(RequestValidationError, _faulty)
    app.add_exception_handler(StarletteHTTPException, _routing)
    for kind in (
        DBAPIError,
        PoolTimeout,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        OSError,
        TimeoutError,
        Exception,
    ):
        app.add_exception_handler(kind, failed)


def translate(
    error: BaseException, constraint_errors: Mapping[str, type[errors.MarketError]]
) -> errors.MarketError:
    """What a failure of the database means to the caller; what is not foreseen is logged, once."""
    cause = _root(error)
    constraint = getattr(cause, "constraint_name", None)
    if constraint:
        return refusal_of(constraint, constraint_errors)
    sqlstate = getattr(cause, "sqlstate", None) or ""
    if sqlstate in BUSY:
        return Busy()
    if sqlstate.startswith("22"):
        return TextNotStorable()
    if sqlstate[:2] in {"08", "53", "57"} or isinstance(
        cause, OSError | TimeoutError | PoolTimeout | asyncpg.InterfaceError | asyncpg.PostgresConnectionError
    ):
        return DatabaseUnavailable()
    log.error("unforeseen failure", exc_info=error)
    return Unforeseen()


def _root(error: BaseException) -> BaseException:
    """The driver's own error below SQLAlchemy's wrappers."""
    seen = error
    while True:
        inner = getattr(seen, "orig", None) or (
            seen.__cause__ if isinstance(seen, DBAPIError) or "sqlalchemy" in type(seen).__module__ else None
        )
        if inner is None:
            return seen
        seen = inner
