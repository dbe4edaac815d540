"""Whatever is sent to whatever operation, the answer is one that the document names, and the books hold."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from requests import Session
from schemathesis import APIOperation, Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.python import asgi
from schemathesis.specs.openapi import checks as openapi

from datamarket.auth.terms import Actor
from datamarket.edge.docs import TAGS
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.world.books import assert_books_hold
from tests.world.market import Market, market_in_use
from tests.world.subsidy import AFTER_PUBLICITY

EXAMPLES = 6
"""Of valid and of faulty requests to each operation, beside the boundary cases of every parameter."""
LATER = AFTER_PUBLICITY + timedelta(days=1)
"""What is sent comes after all that the market did before."""
UNSAYABLE = frozenset(
    {
        "value_error",  # a rule across fields, or the form of a date
        "text_unseen",  # characters that no pattern names: JSON Schema has no words for what can be seen
        "text_blank",
        "greater_than_equal",  # the calendar's ends: JSON Schema bounds numbers, not days
        "less_than_equal",
        "int_type",  # 5.0 is an integer to JSON Schema, and a float to the market
    }
)
Operation = APIOperation[Any, Any, Any, Any]
Sent = Case[Operation]
Attempt = Callable[[Sent, Actor | None], None]


def refuses_only_what_the_document_forbids(_ctx: CheckContext, response: Response, case: "Sent") -> None:
    """What the document allows may be refused by a rule of the market, but not for its shape."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return
    problem = response.json()
    faults = [fault for fault in problem["errors"] if fault["code"] not in UNSAYABLE]
    assert problem["code"] != "request.invalid" or not faults, faults


CHECKS = [
    not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.response_headers_conformance,
    openapi.negative_data_rejection,
    openapi.unsupported_method,
    openapi.allow_header_conformance,
    refuses_only_what_the_document_forbids,
]


@pytest_asyncio.fixture
async def market(fresh_database: Database) -> AsyncIterator[Market]:
    """In a database of its own: what is sent closes months, zones and venues."""
    yield await market_in_use(fresh_database)
    await assert_books_hold(fresh_database.url)


@pytest.fixture
def fuzzed_app(fresh_database: Database, settings: Settings) -> Iterator[FastAPI]:
    """With pools of its own: it runs in a loop of its own."""
    yield create_app(settings, Database(fresh_database.url, 4), read_clock=lambda: LATER)
    asgi.shutdown_lifespans()


def operations_of(app: FastAPI, tag: str) -> list[Operation]:
    config = schemathesis.Config.from_dict(
        {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}}
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(found) == schema.statistic.operations.total  # each could be read
    return [operation for operation in found if tag in (operation.tags or ())]


def aimed(case: Sent, things: Mapping[str, str]) -> Sent:
    """The same valid request, about things that exist; a faulty one stays as faulty as it is."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return case
    for name in case.path_parameters or ():
        if name in things:
            case.path_parameters[name] = things[name]
    if isinstance(case.body, dict):
        case.body = {name: things.get(name, value) for name, value in case.body.items()}
    return case


def boundaries(operation: Operation) -> Iterator[Sent]:
    """The cases at and beyond the limits of each parameter, one after the other."""
    schema = operation.schema
    yield from schema.iter_coverage_cases(
        operation,
        generation_modes=list(GenerationMode),
        generation_config=schema.config.generation_for(operation=operation),
    )


def fuzz(operation: Operation, mode: GenerationMode, market: Market, attempt: Attempt) -> None:
    """Requests of one kind by several callers, the same in each run."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode), st.sampled_from((market.buyer, market.provider, market.city, None)))
    def some(case: Sent, caller: Actor | None) -> None:
        attempt(aimed(case, market.things), caller)

    try:
        some()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # who takes nothing cannot be asked wrongly


@pytest.mark.parametrize("tag", [tag["name"] for tag in TAGS])
def test_every_answer_to_every_request_is_one_that_the_document_names(
    market: Market, fuzzed_app: Any, tag: str
) -> None:
    def headers(caller: Actor | None) -> dict[str, str]:
        return (
            {"Authorization": f"Bearer {fuzzed_app.state.tokens.sign(caller, now=LATER)}"} if caller else {}
        )

    with asgi.get_client(fuzzed_app) as client:
        session: Session = client

        def attempt(case: Sent, caller: Actor | None) -> None:
            case.validate_response(case.call(session=session, headers=headers(caller)), checks=CHECKS)

        for operation in operations_of(fuzzed_app, tag):
            for case in boundaries(operation):
                attempt(case, market.city)
            for mode in GenerationMode:
                fuzz(operation, mode, market, attempt)
