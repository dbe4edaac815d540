"""Without an organisation one owns nothing: every list shows such a caller what it shows a stranger."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from datamarket import slices
from datamarket.auth.terms import Role
from datamarket.foundation.db import Database, PageAsked
from datamarket.foundation.ids import new_id
from tests.world.market import every_book_written
from tests.world.people import AUDITOR, actor, moment
from tests.world.trading import LEDGER_ID

Listing = Callable[..., Awaitable[Any]]
GIVEN = {"ledger_id": LEDGER_ID, "page": PageAsked(100), "mine": False, "flagged": False}


def lists() -> Iterator[tuple[str, Listing]]:
    """Each query of a room that pages through rows by who asks, and needs no other row to begin with."""
    for module in slices.files("queries"):
        for name, listing in inspect.getmembers(module, inspect.isfunction):
            known = inspect.signature(listing).parameters
            needed = {key for key, asked in known.items() if "None" not in str(asked.annotation)}
            pages = {"visible_to", "page"} <= set(known) and needed <= {"session", "visible_to", *GIVEN}
            if listing.__module__ == module.__name__ and pages:
                yield f"{module.__name__}.{name}", listing


LISTS = dict(lists())


def test_the_lists_are_found() -> None:
    assert len(LISTS) >= 10


@pytest.fixture(scope="module")
async def written(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Database:
    await every_book_written(module_database, tmp_path_factory.mktemp("key"))
    return module_database


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("role", [Role.BUYER, Role.PROVIDER, Role.OPERATOR])
async def test_who_has_no_organisation_sees_what_a_stranger_sees(
    written: Database, name: str, role: Role
) -> None:
    known = inspect.signature(LISTS[name]).parameters
    given = {key: GIVEN.get(key) for key in known if key not in {"session", "visible_to"}}

    async def seen(caller: Any) -> list[str]:
        async with written.transaction() as session:
            rows = await LISTS[name](session, visible_to=caller, **given)
        return [str(row) for row in rows]

    nobody, stranger = await seen(actor(role)), await seen(actor(role, organisation=new_id(moment())))
    assert nobody == stranger
    if "ledger" in name or "payouts" in name:
        assert nobody == []
        assert await seen(AUDITOR) != []
