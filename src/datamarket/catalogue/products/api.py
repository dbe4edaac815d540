"""/products: versions, their compliance review, and what may be done with them now."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response
from pydantic import ConfigDict, Field

from datamarket.auth.access import ReadMarket, allow
from datamarket.auth.rules import organisation_of
from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.products import actions, queries
from datamarket.catalogue.products.queries import Described
from datamarket.catalogue.products.rules import VERSION_LIFE, may_move_product
from datamarket.catalogue.products.shapes import (
    EXAMPLE,
    ContentIn,
    Quality,
    Resources,
    SampleFieldIn,
    VersionNumber,
    VersionOut,
    samples_of,
)
from datamarket.catalogue.products.terms import (
    Content,
    DeliveryForm,
    Identity,
    Modality,
    Processing,
    ProductEvent,
    VersionState,
)
from datamarket.catalogue.terms import Category
from datamarket.foundation.http import (
    AllowedEvents,
    Body,
    Code,
    IfMatch,
    Now,
    Page,
    Paging,
    Prose,
    Reading,
    ShortText,
    SliceRouter,
    Writing,
    check_tag,
    page_of,
    tag,
)
from datamarket.foundation.shapes import RowShape
from datamarket.zones.terms import Level

router = SliceRouter(tags=["catalogue"])
MakeProduct = Annotated[Actor, allow(Permission.MAKE_PRODUCT)]
_IDENTITY: dict[str, Any] = {
    "name_zh": "近海作业窗口接口",
    "name_en": "Offshore working-window API",
    "category": "ocean",
    "level": "general",
}


class ProductIn(ContentIn):
    """A product of own data names neither zone nor scenario; a zone's product names both."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "OP-200"} | _IDENTITY | EXAMPLE]})
    code: Code
    name_zh: ShortText
    name_en: ShortText
    category: Category
    level: Level
    level_reason: Prose | None = None
    zone_id: UUID | None = None
    scenario_id: UUID | None = None

    @property
    def identity(self) -> Identity:
        return Identity(self.name_zh, self.name_en, self.category, self.level, self.level_reason)


class ProductPatch(Body):
    """What is left out, or null, stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name_zh": "近海作业窗口接口（新版）"}]})
    name_zh: ShortText | None = None
    name_en: ShortText | None = None
    category: Category | None = None
    level: Level | None = None
    level_reason: Prose | None = None
    summary_zh: Prose | None = None
    summary_en: Prose | None = None
    modality: Modality | None = None
    delivery_form: DeliveryForm | None = None
    resources: Resources | None = None
    processing: Processing | None = None
    quality: Quality | None = None
    sample_fields: Annotated[list[SampleFieldIn], Field(max_length=100)] | None = None

    def apply(self, identity: Identity, content: Content) -> tuple[Identity, Content]:
        """Both as they become."""
        given = {name: value for name, value in self if value is not None}
        if self.sample_fields is not None:
            given["sample_fields"] = samples_of(self.sample_fields)
        ours = {name: value for name, value in given.items() if hasattr(identity, name)}
        rest = {name: value for name, value in given.items() if name not in ours}
        return replace(identity, **ours), replace(content, **rest)


class ProductOut(RowShape):
    """A product with the version its reader may see: the newest; for reviewers submitted, for others approved."""

    id: UUID
    code: str = Field(examples=["OP-200"])
    maker_id: UUID
    zone_id: UUID | None
    scenario_id: UUID | None
    name_zh: str
    name_en: str
    category: Category
    level: Level
    level_reason: str | None
    approved: int | None = Field(description="number of the newest approved version")
    created_at: datetime
    version: int = Field(description="of this record; see ETag")
    content: VersionOut

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        return super().of(row.product, content=VersionOut.of(row.version), **derived)


class ProductEventIn(Body):
    """`version` is the number of the version to move; the newest when left out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"event": "return", "reason": "质量附件缺少可用率"}]}
    )
    event: ProductEvent
    version: VersionNumber | None = None
    reason: Prose | None = None


class ProductEventsOut(AllowedEvents[VersionState, ProductEvent]):
    """What this actor may do now with the version that they see."""


def _out(response: Response, described: Described) -> ProductOut:
    tag(response, described.product.version)
    return ProductOut.of(described)


@router.get("/products", summary="Products, newest first")
async def list_products(
    actor: ReadMarket,
    session: Reading,
    paging: Paging[UUID],
    mine: Annotated[bool, Query(description="only those of your organisation")] = False,
    zone: UUID | None = None,
    state: VersionState | None = None,
) -> Page[ProductOut]:
    rows = await queries.list_products(
        session,
        visible_to=actor,
        mine=mine,
        zone=zone,
        state=state,
        page=paging,
    )
    return page_of(rows, paging, ProductOut.of, lambda described: [str(described.product.id)])


@router.post("/products", status_code=201, summary="Make a product")
async def make_product(
    actor: MakeProduct, session: Writing, now: Now, body: ProductIn, response: Response
) -> ProductOut:
    """A draft of its first version, of the caller's organisation."""
    described = await actions.make_product(
        session,
        actor,
        maker_id=organisation_of(actor),
        code=body.code,
        identity=body.identity,
        content=body.content,
        zone_id=body.zone_id,
        scenario_id=body.scenario_id,
        now=now,
    )
    return _out(response, described)


@router.get("/products/{product_id}", summary="One product")
async def get_product(
    actor: ReadMarket, session: Reading, product_id: UUID, response: Response
) -> ProductOut:
    return _out(response, await queries.get_product(session, product_id, visible_to=actor))


@router.patch("/products/{product_id}", summary="Change a draft")
async def edit_product(
    actor: MakeProduct,
    session: Writing,
    now: Now,
    product_id: UUID,
    body: ProductPatch,
    response: Response,
    if_match: IfMatch = None,
) -> ProductOut:
    """The newest version while it is a draft or returned; what the product is, while there is only one."""
    described = await queries.lock_product(session, product_id, visible_to=actor)
    check_tag(if_match, described.product.version, required=True)
    identity, content = body.apply(
        queries.identity_of(described.product), queries.content_of(described.version)
    )
    edited = await actions.edit_product(
        session, actor, described, identity=identity, content=content, now=now
    )
    return _out(response, edited)


@router.get("/products/{product_id}/versions", summary="The versions of a product, newest first")
async def list_versions(
    actor: ReadMarket, session: Reading, product_id: UUID, paging: Paging[int]
) -> Page[VersionOut]:
    product, _ = await queries.get_product(session, product_id, visible_to=actor)
    rows = await queries.list_versions(session, product, visible_to=actor, page=paging)
    return page_of(rows, paging, VersionOut.of, lambda version: [version.number])


@router.post("/products/{product_id}/versions", status_code=201, summary="Make the next version")
async def make_version(
    actor: MakeProduct, session: Writing, now: Now, product_id: UUID, body: ContentIn, response: Response
) -> ProductOut:
    described = await queries.lock_product(session, product_id, visible_to=actor)
    made = await actions.make_version(session, actor, described, content=body.content, now=now)
    return _out(response, made)


@router.post("/products/{product_id}/events", summary="Move a product through its compliance review")
async def move_product(
    actor: ReadMarket,
    session: Writing,
    now: Now,
    product_id: UUID,
    body: ProductEventIn,
    response: Response,
    if_match: IfMatch = None,
) -> ProductOut:
    """submit and retire are the maker's; return, approve and reject a reviewer's, never of the maker; recall and reinstate the authority's."""
    described = await queries.lock_product(session, product_id, visible_to=actor)
    check_tag(if_match, described.product.version)
    moved = await actions.move_product(
        session, actor, described, body.event, number=body.version, reason=body.reason, now=now
    )
    return _out(response, moved)


@router.get("/products/{product_id}/allowed-events", summary="What may be done with a product now")
async def allowed_product_events(actor: ReadMarket, session: Reading, product_id: UUID) -> ProductEventsOut:
    product, version = await queries.get_product(session, product_id, visible_to=actor)
    state = VersionState(version.state)
    events = [
        event
        for event in VERSION_LIFE.open_in(state)
        if may_move_product(actor, event, maker_id=product.maker_id)
    ]
    return ProductEventsOut(state=state, events=events)
