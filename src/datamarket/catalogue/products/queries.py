"""Reading products and their versions."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, case, literal, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

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
from datamarket.foundation.errors import NotFound
from datamarket.zones.terms import Level

_LISTED = text(
    "SELECT EXISTS (SELECT FROM listing WHERE product_version_id = :version AND state NOT IN ('draft', 'delisted'))"
)


class Described(NamedTuple):
    """A product with the version that its reader may see: the newest, or the newest approved one."""

    product: Product
    version: ProductVersion


def _privileged(actor: Actor) -> bool:
    return actor.sees_all or actor.may(Permission.REVIEW_PRODUCT)


def _seen_version(actor: Actor) -> ColumnElement[int | None]:
    """The number of the version that stands for the product to this reader; NULL when none does."""
    all_seen = literal(_privileged(actor))
    own = col(Product.maker_id) == actor.participant_id
    return case((all_seen | own, col(Product.newest)), else_=col(Product.approved))


async def get_product(
    session: AsyncSession, product_id: UUID, *, visible_to: Actor, lock: bool = False
) -> Described:
    """Raises NotFound. Locked, it is the truth until the transaction ends."""
    statement = (
        select(Product, ProductVersion)
        .join(
            ProductVersion,
            (col(ProductVersion.product_id) == Product.id)
            & (col(ProductVersion.number) == _seen_version(visible_to)),
        )
        .where(Product.id == product_id)
    )
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    row = (await session.exec(statement)).first()
    if row is None:
        raise NotFound(thing="product")
    return Described(*row)


async def get_version(
    session: AsyncSession, product_id: UUID, number: int, *, to_change: bool = False
) -> ProductVersion:
    """Locked: a version that is being listed is not retired meanwhile. Raises NotFound."""
    statement = select(ProductVersion).where(
        ProductVersion.product_id == product_id, ProductVersion.number == number
    )
    locked = statement.with_for_update(read=not to_change).execution_options(populate_existing=True)
    version = (await session.exec(locked)).first()
    if version is None:
        raise NotFound(thing="product version")
    return version


async def list_products(
    session: AsyncSession,
    *,
    visible_to: Actor,
    mine: bool,
    zone: UUID | None,
    state: VersionState | None,
    limit: int,
    after: UUID | None,
) -> Sequence[Described]:
    """Newest first; `state` is that of the version that the reader sees."""
    statement = (
        select(Product, ProductVersion)
        .join(
            ProductVersion,
            (col(ProductVersion.product_id) == Product.id)
            & (col(ProductVersion.number) == _seen_version(visible_to)),
        )
        .order_by(col(Product.id).desc())
        .limit(limit + 1)
    )
    if mine:
        statement = statement.where(col(Product.maker_id) == visible_to.participant_id)
    if zone is not None:
        statement = statement.where(Product.zone_id == zone)
    if state is not None:
        statement = statement.where(ProductVersion.state == state)
    if after is not None:
        statement = statement.where(col(Product.id) < after)
    return [Described(*row) for row in (await session.exec(statement)).all()]


async def list_versions(
    session: AsyncSession, product: Product, *, visible_to: Actor, limit: int, after: int | None
) -> Sequence[ProductVersion]:
    """Newest first; who is neither maker nor reviewer sees what was approved."""
    statement = (
        select(ProductVersion)
        .where(ProductVersion.product_id == product.id)
        .order_by(col(ProductVersion.number).desc())
        .limit(limit + 1)
    )
    if not (_privileged(visible_to) or visible_to.participant_id == product.maker_id):
        seen = (VersionState.APPROVED, VersionState.RETIRED)
        statement = statement.where(col(ProductVersion.state).in_(seen))
    if after is not None:
        statement = statement.where(col(ProductVersion.number) < after)
    return (await session.exec(statement)).all()


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
    connection = await session.connection()
    return bool((await connection.execute(_LISTED, {"version": version_id})).scalar_one())
