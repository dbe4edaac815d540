"""Every refusal as RFC 9457 problem+json, in the caller's language; the one table family → status."""

import logging
import re
from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException as StarletteHTTPException

from datamarket.edge.answers import marked
from datamarket.edge.paths import methods_of
from datamarket.foundation import errors
from datamarket.foundation.db import Busy
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
from datamarket.foundation.inputs.texts import ValueFault
from datamarket.foundation.shapes import answered
from datamarket.foundation.waiting.constraints import constraint_of, refusal_of
from datamarket.foundation.waiting.outages import DatabaseUnavailable, OutcomeUnknown, cause_of, is_outage

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
    errors.TooManyRequests: 429,
    errors.Unavailable: 503,
}
RETRY_AFTER_SECONDS = "1"
REALM = "datamarket"
_UNQUOTABLE = re.compile(r"[^ !#-\[\]-~]")
"""What RFC 6750 keeps out of an error_description."""
_LANGUAGES: tuple[errors.Language, ...] = ("zh", "en")
_RANGE = re.compile(
    r"\s*(\*|[a-z]{1,8})(?:-[a-z0-9]{1,8})*\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?", re.ASCII
)
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
    503: "retry with the same key: it takes effect once",
}
"""What the document says of each refusal."""


def language_of(request: Request) -> errors.Language:
    """Chinese, unless the caller gives English more weight, or the same and names it first (RFC 9110, 12.5.4).

    `*` weighs what is not named; a range that is not well written, or of another language, counts for nothing.
    Weights are thousandths; none is less than unsaid: `zh;q=0` is answered in English.
    """
    weights: dict[str, int] = {}
    for header in request.headers.getlist("accept-language"):
        for found in filter(None, map(_RANGE.fullmatch, header.lower().split(","))):
            weight = int((found[2] or "1").replace(".", "").ljust(4, "0")) or -1
            weights[found[1]] = max(weights.get(found[1], -1), weight)
    named = [language for language in weights if language in _LANGUAGES]
    return max([*named, *_LANGUAGES], key=lambda language: weights.get(language, weights.get("*", 0)))


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
        instance=request.scope["path"],
        code=error.code,
        retryable=error.retryable,
        trace_id=request.scope.get("request_id", "-"),
        errors=faults or _pointed(error, language),
    )
    extra = dict(headers or {}) | {"Content-Language": language}
    if error.retryable:
        extra.setdefault("Retry-After", str(error.facts.get("seconds", RETRY_AFTER_SECONDS)))
    if code in {401, 403}:
        extra |= _challenge(error)
    route: Any = request.scope.get("route")
    if hasattr(route, "refusal"):  # of another protocol, which has words of its own
        said = route.refusal(request, document.model_dump())
        return Response(orjson.dumps(said), route.statuses.get(code, code), extra, "application/json")
    return Response(orjson.dumps(document.model_dump()), code, extra, "application/problem+json")


def _challenge(error: errors.MarketError) -> dict[str, str]:
    """RFC 6750, 3: which token would do. Who sent none is told no error; what no other token opens asks for none."""
    scope = error.facts.get("permission")
    facts = {"realm": REALM}
    if isinstance(error, errors.Unauthenticated) and error.token_sent:
        facts |= {"error": "invalid_token"}
    elif scope:
        facts |= {"error": "insufficient_scope", "scope": scope}
    elif isinstance(error, errors.Forbidden):
        return {}
    if "error" in facts:
        facts["error_description"] = _UNQUOTABLE.sub("'", error.sentence("en"))
    return {"WWW-Authenticate": "Bearer " + ", ".join(f'{name}="{fact}"' for name, fact in facts.items())}


def _pointed(error: errors.MarketError, language: errors.Language) -> list[FieldFault]:
    """Where in the request the refused part stands, when the error knows."""
    if error.pointer is None:
        return []
    return [FieldFault(pointer=error.pointer, code=error.code, message=error.sentence(language))]


FAULTS_ZH = {
    "missing": "缺少该项",
    "extra_forbidden": "不认识该项",
    "string_type": "应为文本",
    "string_unicode": "文本含有不完整的字符",
    "string_too_short": "文本过短（至少 {min_length} 个字符）",
    "string_too_long": "文本过长（至多 {max_length} 个字符）",
    "string_pattern_mismatch": "写法不符合规定",
    "int_type": "应为整数（不带小数点和引号）",
    "int_parsing": "应为整数",
    "int_parsing_size": "整数过大",
    "int_from_float": "应为整数",
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
    "tuple_type": "应为列表",
    "too_short": "项数过少（至少 {min_length}）",
    "too_long": "项数过多（至多 {max_length}）",
    "dict_type": "应为对象",
    "none_required": "应为空值",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "datetime_type": "应为带时区的时间（RFC 3339）",
    "datetime_from_date_parsing": "应为带时区的时间（RFC 3339）",
    "datetime_parsing": "应为带时区的时间（RFC 3339）",
    "timezone_aware": "时间须带时区",
    "date_type": "应为日期（yyyy-mm-dd）",
    "date_from_datetime_parsing": "应为日期（yyyy-mm-dd）",
    "date_parsing": "应为日期（yyyy-mm-dd）",
}
FAULT_UNFORESEEN_ZH = "不符合规定"
_PYTHON_DAY = re.compile(r"datetime\.\w+\((\d+), (\d+), (\d+).*\)")
_PYTHON_WORD = re.compile(r"<\w+\.\w+: ('[^']*')>")


def _told(fault: Mapping[str, Any], language: errors.Language) -> str:
    """One fault in the reader's language."""
    facts = fault.get("ctx", {})
    if isinstance(facts.get("error"), ValueFault):
        return str(getattr(facts["error"], language))
    if language == "en":
        return _plain(fault["msg"])
    plain = {name: _plain(fact).replace(" or ", "、") for name, fact in facts.items()}
    return FAULTS_ZH.get(fault["type"], FAULT_UNFORESEEN_ZH).format(**plain)


def _plain(told: object) -> str:
    """What Pydantic writes as Python code, a bound or a word, as a day and as text in quotes."""
    dated = _PYTHON_DAY.sub(lambda found: "-".join(part.zfill(2) for part in found.groups()), str(told))
    return _PYTHON_WORD.sub(r"\1", dated).replace("should be None", "should be null")


def faults_of(error: RequestValidationError | ValidationError, language: errors.Language) -> list[FieldFault]:
    """Pydantic's report, as JSON pointers."""
    return [
        FieldFault(
            pointer="/"
            + "/".join(str(part)[:200].replace("~", "~0").replace("/", "~1") for part in fault["loc"]),
            code=getattr(fault.get("ctx", {}).get("error"), "code", fault["type"]),
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
    if isinstance(error, OutcomeUnknown) and request.method == "GET":
        error = DatabaseUnavailable()  # it changes nothing, so there is nothing to know
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

    async def failed_unforeseen(request: Request, error: Exception) -> Response:
        """The framework answers these outside of every layer."""
        response = await failed(request, error)
        response.raw_headers = marked(request.scope, response.status_code, response.raw_headers)
        response.headers["X-Request-Id"] = request.scope.get("request_id", "-")
        return response

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
    ):
        app.add_exception_handler(kind, failed)
    app.add_exception_handler(Exception, failed_unforeseen)


def translate(
    error: BaseException, constraint_errors: Mapping[str, type[errors.MarketError]]
) -> errors.MarketError:
    """What a failure of the database means to the caller; what is not foreseen is logged, once."""
    cause = cause_of(error)
    constraint = constraint_of(cause, constraint_errors)
    if constraint:
        return refusal_of(constraint, constraint_errors)
    sqlstate = getattr(cause, "sqlstate", None) or ""
    if sqlstate in BUSY:
        return Busy()
    if sqlstate.startswith("22"):
        return TextNotStorable()
    if is_outage(cause):
        return DatabaseUnavailable()
    log.error("unforeseen failure", exc_info=error)
    return Unforeseen()
