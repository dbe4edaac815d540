"""Shapes that every path shares: strict text and numbers, cursor pages, entity tags, transactions."""

import functools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, NewType, Self, TypeVar, get_args

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.routing import Match
from starlette.types import Scope

from datamarket.foundation import idempotency
from datamarket.foundation.db import PAGE_LIMIT, Connection, Database, PageAsked, driver
from datamarket.foundation.errors import Invalid, Stale
from datamarket.foundation.inputs.bodies import BodyLimits
from datamarket.foundation.inputs.cursors import LONGEST, decode_cursor, encode_cursor, next_of, seal_of
from datamarket.foundation.inputs.requests import ReadRequest, RequestReader
from datamarket.foundation.inputs.texts import ValueFault, check_file, check_line, check_prose
from datamarket.foundation.replicas import lagging
from datamarket.foundation.states import EventT, StateT
from datamarket.foundation.waiting.patience import patient

ItemT = TypeVar("ItemT")
API_PREFIX = "/api/v1"
ONE_TRILLION_YUAN = 10**14
"""A ceiling that no trade of a city reaches; sums of 90,000 of them still fit a bigint."""


class TagStale(Stale):
    code = "precondition.stale"
    zh = "该对象在您读取之后已被修改（当前版本 {current}）；请重新读取后再提交。"
    en = "It has changed since you read it (now version {current}); read it again, then submit."


class TagMalformed(Invalid):
    code = "precondition.malformed"
    zh = "If-Match 的写法有误：请原样提交读取时返回的 ETag（带双引号，例如 {example}）。"
    en = "If-Match is not written as a tag; send the ETag of your last read as it was, quotes included, such as {example}."


class TagMissing(Invalid):
    code = "precondition.required"
    zh = "修改该对象须提供 If-Match 请求头，取自读取时返回的 ETag。"
    en = "This change needs the header If-Match, taken from the ETag of your last read."


def _written_as(form: re.Pattern[str], name: str) -> BeforeValidator:
    """Text of one form only: a number is no date, though it might be read as one."""

    def check(value: object) -> object:
        if isinstance(value, date) or (isinstance(value, str) and form.fullmatch(value)):
            return value
        raise ValueFault(f"应写作 {name} 的形式", f"must be text of the form {name}")

    return BeforeValidator(check)


NO_NUL = r"^[^\x00]*$"
FenIn = Annotated[int, Strict(), Field(ge=0, le=ONE_TRILLION_YUAN, description="amount in fen (1 CNY = 100)")]
PositiveFenIn = Annotated[
    int, Strict(), Field(ge=1, le=ONE_TRILLION_YUAN, description="amount in fen, above zero")
]
QuantityIn = Annotated[int, Strict(), Field(ge=1, le=1_000_000_000)]
BoolIn = Annotated[bool, Strict()]
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
DateIn = Annotated[date, _written_as(_DAY, "2024-12-31"), Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
InstantIn = Annotated[
    AwareDatetime,
    _written_as(_INSTANT, "2024-12-31T16:00:00+08:00"),
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), le=datetime(2999, 12, 31, tzinfo=UTC)),
    AfterValidator(lambda at: at.astimezone(UTC)),
]


def _as_document(most: int, controls: str) -> WithJsonSchema:
    """What the document says of a text: all of the rule that JSON Schema has words for."""
    pattern = rf"^\s*[^{controls}]*[^\s{controls}][^{controls}]*\s*$"
    return WithJsonSchema({"type": "string", "minLength": 1, "maxLength": most, "pattern": pattern})


ShortText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(check_line),
    _as_document(200, r"\x00-\x1f\x7f-\x9f"),
]
Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
    AfterValidator(check_prose),
    _as_document(4000, r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"),
]
Seen = AfterValidator(check_file)
FileText = Annotated[str, StringConstraints(min_length=1, max_length=1_000_000, pattern=NO_NUL), Seen]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Body(BaseModel):
    """A request body: nothing unknown, nothing coerced from another kind of value."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    limits: ClassVar[BodyLimits] = BodyLimits()


class Shape(BaseModel):
    """A response: built once from a row, never changed."""

    model_config = ConfigDict(frozen=True, defer_build=True)  # a second of loading: most are parts of others


class AllowedEvents(Shape, Generic[StateT, EventT]):
    """What this caller may do now with a thing in this state."""

    state: StateT
    events: list[EventT]


class Page(Shape, Generic[ItemT]):
    """One page of a list; `next` is the cursor of the page after, or null on the last."""

    items: list[ItemT]
    next: str | None = None

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """`Page[ZoneOut]` is ZonePage in the documentation."""
        return f"{params[0].__name__.removesuffix('Out')}Page"


Cursor = NewType("Cursor", str)
"""As the caller sent it: for a list whose key depends on the order that is asked for."""


if TYPE_CHECKING:
    Paging = PageAsked
else:

    class Paging:
        """`paging: Paging[tuple[datetime, UUID]]` in a route: the cursor is decoded to a key of these kinds."""

        def __class_getitem__(cls, key: Any) -> Any:
            return Annotated[PageAsked, Depends(_paging_by(get_args(key) or (key,)))]


_PAGE = frozenset({"limit", "after"})
"""What says how much of a list, not of which."""


@functools.cache
def _paging_by(kinds: tuple[type, ...]) -> Callable[..., Awaitable[Any]]:
    async def paging(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT, description="items per page, at most 100")] = 20,
        after: Annotated[
            str | None,
            Query(
                max_length=LONGEST,
                pattern=r"^[A-Za-z0-9_-]*$",
                description="cursor: `next` of the page before",
            ),
        ] = None,
    ) -> PageAsked[Any]:
        """Raises CursorInvalid."""
        filters = (pair for pair in request.query_params.multi_items() if pair[0] not in _PAGE)
        seal = seal_of(request.app.state.cursor_secret, request.scope["path"], filters)
        if kinds == (Cursor,):
            return PageAsked(limit, after or None, seal)
        key = decode_cursor(after or None, kinds, seal)
        return PageAsked(limit, key and (key[0] if len(kinds) == 1 else tuple(key)), seal)

    return paging


def page_of(
    rows: Sequence[Any],
    paging: PageAsked[Any],
    shape: Callable[[Any], ItemT],
    key: Callable[[Any], Sequence[object]],
) -> Page[ItemT]:
    """A page from up to `limit + 1` rows: the one too many only tells that there is a next page."""
    kept = rows[: paging.limit]
    more = len(rows) > paging.limit
    return Page(
        items=[shape(row) for row in kept], next=encode_cursor(key(kept[-1]), paging.seal) if more else None
    )


IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=100, description="the ETag of your last read")
]


def tag(response: Response, version: int) -> None:
    """Name the version that this answer shows."""
    response.headers["ETag"] = f'"{version}"'


def check_tag(if_match: str | None, version: int, *, required: bool = False) -> None:
    """Refuse a change of something that has changed. Raises TagStale, or TagMissing where required."""
    if if_match is None:
        if required:
            raise TagMissing
        return
    tags = tags_in(if_match)
    if not tags:
        raise TagMalformed(example=f'"{version}"')
    if not tags & {f'"{version}"', "*"}:
        raise TagStale(current=version)


def tags_in(header: str) -> set[str]:
    """The tags of a header, strong or weakened by a proxy on the way: a version is a version."""
    return set(re.findall(r'(?:W/)?("[^"]*")', header)) | ({"*"} if header.strip() == "*" else set())


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def read_now(request: Request) -> datetime:
    """The instant of this request: read once, used by everything below."""
    now: datetime = request.app.state.read_clock()
    return now


read_now.taken = lambda request: request.app.state.read_clock()  # type: ignore[attr-defined]


async def read_ledger_id(request: Request) -> int:
    """Which market this server answers for."""
    ledger_id: int = request.app.state.settings.ledger_id
    return ledger_id


async def open_reading(request: Request) -> AsyncIterator[AsyncSession]:
    """A transaction for reading."""
    async with lagging.reading(request).transaction(reading=True) as session:
        yield session


KeyHeader = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="your name for this write: the same key again gives the same answer, and changes nothing",
    ),
]


async def open_writing(request: Request, idempotency_key: KeyHeader) -> AsyncIterator[AsyncSession]:
    """A transaction for one write, which happens at most once per Idempotency-Key.

    Raises Replayed with the stored answer when the key was used before, KeyReused when it then had
    another content.
    """
    async with written(request, idempotency_key) as session:
        yield session


@asynccontextmanager
async def written(request: Request, key: str, *, settling: bool = False) -> AsyncIterator[AsyncSession]:
    """The same; `settling` what is owed already."""
    claim = await claim_of(request, key)
    database = patient(database_of(request), request.scope["endpoint"], await request.body())
    async with database.transaction() as session:
        connection = await driver(session)
        await idempotency.claim(connection, claim, now=await read_now(request), settling=settling)
        request.state.claim = (connection, claim)
        yield session


async def open_plain_writing(request: Request, idempotency_key: KeyHeader) -> AsyncIterator[Connection]:
    """The same on a plain connection, for the hot paths."""
    claim = await claim_of(request, idempotency_key)
    database = patient(database_of(request), request.scope["endpoint"], await request.body())
    async with database.plain_transaction() as connection:
        await idempotency.claim(connection, claim, now=await read_now(request))
        request.state.claim = (connection, claim)
        yield connection


async def claim_of(request: Request, key: str) -> idempotency.Claim:
    """What this request asks for, by whom, under which key."""
    scope, body = request.scope, await request.body()
    return idempotency.Claim(
        ledger_id=request.app.state.settings.ledger_id,
        caller=getattr(request.state, "caller", "visitor"),
        key=key,
        fingerprint=idempotency.fingerprint(scope["method"], scope["path"], body),
    )


Reading = Annotated[AsyncSession, Depends(open_reading, scope="function")]
Writing = Annotated[AsyncSession, Depends(open_writing, scope="function")]
PlainWriting = Annotated[Connection, Depends(open_plain_writing, scope="function")]
Now = Annotated[datetime, Depends(read_now)]
LedgerId = Annotated[int, Depends(read_ledger_id)]


class ForEveryone(Response):
    """An answer that does not depend on who asks, once asking is allowed: the edge may give it again."""

    def marked(self, request: Request) -> Self:
        """Shown to the edge, whole: what the caller has already is told apart afterwards."""
        request.scope["for_everyone"] = self
        return self

    @classmethod
    def of(cls, shape: Shape) -> Self:
        return cls(shape.model_dump_json(), media_type="application/json")


class ForAMoment(ForEveryone):
    """One of which nobody is told that it has changed: figures that every trade moves."""


def unless_known(request: Request, response: Response) -> Response:
    """The answer to a GET, or that it is what the caller has already."""
    entity_tag = response.headers.get("etag")
    known = request.headers.get("if-none-match")
    if entity_tag and known and tags_in(known) & {entity_tag, "*"}:
        return Response(status_code=304, headers={"ETag": entity_tag})
    return response


class MarketRoute(APIRoute):
    """Stores the answer of a write beside the write, and answers 304 to who has it already."""

    reader: RequestReader

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        answer = super().get_route_handler()
        self.openapi_extra = lagging.said_of(self.endpoint, self.openapi_extra)
        self.reader = RequestReader(self)

        async def handle(given: Request) -> Response:
            request = await self.reader.read(ReadRequest(given.scope, given.receive))
            return await finished(request, await answer(request))

        return handle


async def finished(request: Request, response: Response) -> Response:
    """What an endpoint has answered, as its caller gets it."""
    if request.method == "GET":
        if "link" not in response.headers and (after := next_of(bytes(response.body))):
            target = request.url.include_query_params(after=after)  # RFC 8288
            response.headers["Link"] = f'<{target.path}?{target.query}>; rel="next"'
        if isinstance(response, ForEveryone):
            response.marked(request)
        return unless_known(request, response)
    claimed = getattr(request.state, "claim", None)
    if claimed is not None:
        connection, claim = claimed
        kept = idempotency.Answer(response.status_code, bytes(response.body), response.headers.get("etag"))
        await idempotency.settle_all(connection, {claim: kept})
        await request.app.state.tell_answer(request, connection, claim, kept)
    return response


class SliceRouter(APIRouter):
    """The routes of one slice; a path whose first word is not theirs is dismissed at once.

    Routing is a linear scan, and most of a small request's time when a hundred routes are tried.
    """

    def __init__(self, *, tags: list[str | Enum], prefix: str = "") -> None:
        super().__init__(tags=tags, prefix=prefix, route_class=MarketRoute)
        self._words: tuple[int, frozenset[str]] = (0, frozenset())

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        known, words = self._words
        if known != len(self.routes):
            words = frozenset(getattr(route, "path", "/").split("/")[1] for route in self.routes)
            self._words = (len(self.routes), words)
        path: str = scope["path"]
        if not path.startswith(API_PREFIX) or path[len(API_PREFIX) + 1 :].partition("/")[0] not in words:
            return Match.NONE, {}
        return super().matches(scope)
