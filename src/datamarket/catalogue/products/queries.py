"""Reading products and their versions."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, case, text
from sqlmodel import col, func, select, true
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import Select, SelectOfScalar

from datamarket.auth.terms import Actor, Permission
from datamarket.catalogue.products.tables import Product, ProductVersion
from datamarket.catalogue.products.terms import (
    Content,
    DeliveryForm,
    Identity,
    Modality,
    Processing,
    QualityKey,
    SampleField,
    VersionState,
)
from datamarket.catalogue.terms import Category
from datamarket.foundation.db import PageAsked, asked, keyset, one_row
from datamarket.zones.terms import Level

_LISTED = text(
    "SELECT EXISTS (SELECT FROM listing WHERE product_version_id = :version AND state NOT IN ('draft', 'delisted'))"
)


class Described(NamedTuple):
    """A product with the version that its reader may see: the newest, submitted or approved one."""

    product: Product
    version: ProductVersion


_SUBMITTED = col(ProductVersion.state) != VersionState.DRAFT
_NEWEST_SUBMITTED = (
    select(func.max(ProductVersion.number))
    .where(ProductVersion.product_id == Product.id, _SUBMITTED)
    .correlate(Product)
    .scalar_subquery()
)


def _seen_version(actor: Actor) -> ColumnElement[int | None]:
    """The number of the version that stands for the product to this reader; NULL when none does.

    To its maker and to overseers the newest, to reviewers the newest that was ever submitted, else the approved one.
    """
    own = true() if actor.sees_all else col(Product.maker_id) == actor.participant_id
    others = _NEWEST_SUBMITTED if actor.may(Permission.REVIEW_PRODUCT) else col(Product.approved)
    return case((own, col(Product.newest)), else_=others)


def _seen(visible_to: Actor) -> Select[Product, ProductVersion]:
    """Products that stand for something to this reader, each with the version that does."""
    seen = (col(ProductVersion.product_id) == Product.id) & (
        col(ProductVersion.number) == _seen_version(visible_to)
    )
    return select(Product, ProductVersion).join(ProductVersion, seen)


async def get_product(session: AsyncSession, product_id: UUID, *, visible_to: Actor) -> Described:
    """Raises NotFound."""
    seen = _seen(visible_to).where(Product.id == product_id)
    return Described(*await one_row(session, seen, "product"))


async def check_seen(session: AsyncSession, product_id: UUID, visible_to: Actor | None) -> None:
    """Visitors see what has an approved version. Raises NotFound."""
    if visible_to is not None:
        await get_product(session, product_id, visible_to=visible_to)
    else:
        shown = select(Product).where(Product.id == product_id, col(Product.approved).is_not(None))
        await one_row(session, shown, "product")


async def lock_product(session: AsyncSession, product_id: UUID, *, visible_to: Actor) -> Described:
    """Product and version as they are, held until the transaction ends. Raises NotFound."""
    locked = _seen(visible_to).where(Product.id == product_id).with_for_update()
    return Described(*await one_row(session, locked.execution_options(populate_existing=True), "product"))


async def lock_shared(session: AsyncSession, product_id: UUID) -> Product:
    """The newest row, which others may read but not change until the transaction ends. Raises NotFound."""
    held = select(Product).where(Product.id == product_id).with_for_update(read=True)
    return await one_row(session, held, "product")


async def get_version(session: AsyncSession, product_id: UUID, number: int) -> ProductVersion:
    """Raises NotFound."""
    return await one_row(session, _version(product_id, number), "product version")


async def lock_version(
    session: AsyncSession, product: Product, number: int, *, visible_to: Actor
) -> ProductVersion:
    """The newest row, held until the transaction ends, to be moved. Raises NotFound."""
    wanted = _version(product.id, number).where(_visible(product, visible_to))
    return await one_row(session, wanted.with_for_update(), "product version")


async def lock_version_shared(session: AsyncSession, product_id: UUID, number: int) -> ProductVersion:
    """The newest row, which others may read but not retire until the transaction ends. Raises NotFound."""
    return await one_row(session, _version(product_id, number).with_for_update(read=True), "product version")


def _visible(product: Product, actor: Actor) -> ColumnElement[bool]:
    """Its maker and overseers see every version, reviewers what was submitted, others what was approved."""
    if actor.sees_all or actor.participant_id == product.maker_id:
        return true()
    if actor.may(Permission.REVIEW_PRODUCT):
        return _SUBMITTED
    return col(ProductVersion.state).in_((VersionState.APPROVED, VersionState.RECALLED, VersionState.RETIRED))


def _version(product_id: UUID, number: int) -> SelectOfScalar[ProductVersion]:
    wanted = select(ProductVersion).where(
        ProductVersion.product_id == product_id, ProductVersion.number == number
    )
    return wanted.execution_options(populate_existing=True)


async def list_products(
    session: AsyncSession,
    *,
    visible_to: Actor,
    mine: bool,
    zone: UUID | None,
    state: VersionState | None,
    page: PageAsked[UUID],
) -> Sequence[Described]:
    """Newest first; `state` is that of the version that the reader sees."""
    statement = _seen(visible_to).where(*asked((Product.zone_id, zone), (ProductVersion.state, state)))
    if mine:
        statement = statement.where(col(Product.maker_id) == visible_to.participant_id)
    rows = (await session.exec(keyset(statement, col(Product.id), page, newest_first=True))).all()
    return [Described(*row) for row in rows]


async def list_versions(
    session: AsyncSession, product: Product, *, visible_to: Actor, page: PageAsked[int]
) -> Sequence[ProductVersion]:
    """Newest first."""
    statement = select(ProductVersion).where(
        ProductVersion.product_id == product.id, _visible(product, visible_to)
    )
    return (await session.exec(keyset(statement, col(ProductVersion.number), page, newest_first=True))).all()


async def newest_approved(session: AsyncSession, product_id: UUID) -> int | None:
    """The number of the newest approved version."""
    statement = (
        select(ProductVersion.number)
        .where(ProductVersion.product_id == product_id, ProductVersion.state == VersionState.APPROVED)
        .order_by(col(ProductVersion.number).desc())
    )
    return (await session.exec(statement)).first()


def identity_of(product: Product) -> Identity:
    """The identity as it is stored."""
    return Identity(
        product.name_zh,
        product.name_en,
        Category(product.category),
        Level(product.level),
        product.level_reason,
    )


def content_of(version: ProductVersion) -> Content:
    """The content as it is stored."""
    return Content(
        summary_zh=version.summary_zh,
        summary_en=version.summary_en,
        modality=Modality(version.modality),
        delivery_form=DeliveryForm(version.delivery_form),
        resources=tuple(version.resources),
        processing=Processing(version.processing),
        quality={QualityKey(key): promise for key, promise in version.quality.items()},
        sample_fields=tuple(SampleField(**sample) for sample in version.sample_fields),
    )


async def is_listed(session: AsyncSession, version_id: UUID) -> bool:
    """Whether any listing of this version is, or is about to be, on sale; listings stand above, so by name."""
    row = await (await session.connection()).execute(_LISTED, {"version": version_id})
    return bool(row.scalar_one())
