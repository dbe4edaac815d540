"""The steps that the tests of products, venues and listings share."""

from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from datamarket.auth.terms import Actor
from datamarket.catalogue.listings import actions as listing_actions
from datamarket.catalogue.listings import queries
from datamarket.catalogue.listings.terms import ListingEvent
from datamarket.catalogue.products import actions as product_actions
from datamarket.catalogue.products import queries as product_queries
from datamarket.catalogue.products.terms import ProductEvent
from tests.conftest import Client
from tests.world import catalogue
from tests.world.people import moment


def product_body(code: str, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name_zh": "胶州湾赤潮预警模型",
        "name_en": "Red-tide warning model of the bay",
        "category": "ocean",
        "level": "general",
        "summary_zh": "由水温、叶绿素观测计算。",
        "summary_en": "Computed from water temperature and chlorophyll.",
        "modality": "time_series",
        "delivery_form": "model",
        "quality": {"availability_percent": "99.9"},
        "sample_fields": [{"name": "risk", "description": "风险等级", "sample": "3"}],
    } | changes


async def move(client: Client, path: str, event: str, **more: Any) -> dict[str, Any]:
    answer = await client.post(f"{path}/events", json={"event": event} | more)
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


async def submit(session: AsyncSession, made: catalogue.Made, now: datetime | None = None) -> None:
    by = made.account
    described = await product_queries.lock_product(session, made.product.id, visible_to=by)
    await product_actions.move_product(session, by, described, ProductEvent.SUBMIT, now=now or moment())


async def move_on(
    session: AsyncSession,
    listed: catalogue.Listed,
    event: ListingEvent,
    by: Actor,
    now: datetime | None = None,
) -> None:
    placed = await queries.lock_listing(session, listed.listing.id, visible_to=by)
    await listing_actions.move_listing(session, by, placed, event, now=now or moment())
