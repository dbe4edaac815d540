"""/names: open to everyone, each is told what they may read."""

from typing import Annotated

from fastapi import Query, Request
from pydantic import Field, StringConstraints

from datamarket.auth.access import Visitor
from datamarket.foundation.http import NO_NUL, Shape, SliceRouter, database_of
from datamarket.statistics.names import queries
from datamarket.statistics.names.terms import NamedKind

router = SliceRouter(tags=["statistics"])
AnyId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]


class NameOut(Shape):
    """What an id is called. `path` below the API's prefix is where its caller reads the thing, or the list that holds it."""

    id: str = Field(description="as it was asked for; of a scheme, its word")
    kind: NamedKind
    path: str = Field(examples=["/zones/018fdc6e-0c00-7000-8000-000000000001"])
    name_zh: str = Field(examples=["海洋专区"])
    name_en: str = Field(examples=["Ocean zone"])


class NamesOut(Shape):
    """In no order; what the caller may not read is left out, as is what is not there."""

    items: list[NameOut]


@router.get("/names", summary="What ids are called")
async def names(
    request: Request,
    caller: Visitor,
    ids: Annotated[
        list[AnyId],
        Query(alias="id", min_length=1, max_length=queries.MOST, description="of anything; up to 100"),
    ],
) -> NamesOut:
    """Names of organisations, zones, products, contracts, trades, runs, cases, accounts and the rest, in one question."""
    found = await queries.names_of(database_of(request), ids, visible_to=caller)
    return NamesOut(items=[NameOut(**name._asdict()) for name in found])
