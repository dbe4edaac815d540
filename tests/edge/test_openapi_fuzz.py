"""Whatever is sent to whatever operation, the answer is one that the document names, and the books hold."""

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, Unsatisfiable
from requests import Session
from schemathesis import APIOperation, Case, CheckContext, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.python import asgi
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi import checks as openapi

from datamarket.auth.terms import Actor, Role
from datamarket.edge.docs import TAGS
from datamarket.foundation.db import Database
from datamarket.foundation.settings import Settings
from datamarket.server.app import create_app
from tests.world.books import assert_books_hold
from tests.world.market import Market
from tests.world.people import actor
from tests.world.subsidy import AFTER_PUBLICITY

EFFORT = int(os.environ.get("DATAMARKET_FUZZ_EFFORT", "1"))
"""How many times as much is sent; the same in each run when it is 1. `make soak` takes more."""
EXAMPLES = 3 * EFFORT
"""Of valid and of faulty requests to each operation, beside the boundary cases of every parameter."""
BOUNDARY = 6 if EFFORT == 1 else 1
"""Of the boundary cases of each operation one in so many is sent: each of its parameters has several."""
WALKS, STEPS = 4 * EFFORT, 15
"""Pairs of rows of requests, each about what the ones before it answered, and how many stand in a row at most."""
LINKED = 100
"""So many links between operations are found at least, by the names of what one answers and another takes."""
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
Caller = Actor | None
Attempt = Callable[[Sent, Caller], None]


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
async def market(in_use: tuple[str, Market], used_database: Database) -> AsyncIterator[Market]:
    """In a database of its own: what is sent closes months, zones and venues."""
    yield in_use[1]
    await assert_books_hold(used_database.url)


@pytest.fixture
def fuzzed_app(used_database: Database, settings: Settings) -> Iterator[FastAPI]:
    """With pools of its own: it runs in a loop of its own. Every name is of one open address: no name server is asked."""

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.215.14"]

    async def nothing_is_sent() -> list[object]:
        """To an address that is somebody's."""
        return []

    app = create_app(settings, Database(used_database.url, 4), read_clock=lambda: LATER)
    app.state.sender.resolve = resolve
    app.state.courier.begin = nothing_is_sent
    yield app
    asgi.shutdown_lifespans()


def callers_in(market: Market) -> list[Caller]:
    """Who asks: a visitor, one of each role, and those who have every role for the buyer, the provider, the city."""
    houses = {Role.BUYER: market.buyer, Role.PROVIDER: market.provider, Role.OPERATOR: market.provider}
    alone = [
        actor(role, organisation=houses[role].participant_id if role in houses else None) for role in Role
    ]
    return [market.city, market.buyer, market.provider, None, *alone]


def schema_of(app: FastAPI) -> BaseSchema:
    config = schemathesis.Config.from_dict(
        {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}}
    )
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=config)


def operations_of(app: FastAPI, tag: str) -> list[Operation]:
    schema = schema_of(app)
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


def sending(examples: int, **more: Any) -> settings:
    """So many, the same in each run unless the effort is greater."""
    return settings(
        max_examples=examples,
        derandomize=EFFORT == 1,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        **more,
    )


def fuzz(operation: Operation, mode: GenerationMode, market: Market, attempt: Attempt) -> None:
    """Requests of one kind by several callers."""

    @sending(EXAMPLES)
    @given(operation.as_strategy(mode), st.sampled_from(callers_in(market)))
    def some(case: Sent, caller: Caller) -> None:
        attempt(aimed(case, market.things), caller)

    try:
        some()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # who takes nothing cannot be asked wrongly


def signed(app: FastAPI, caller: Caller) -> dict[str, str]:
    return {"Authorization": f"Bearer {app.state.tokens.sign(caller, now=LATER)}"} if caller else {}


@pytest.mark.parametrize("tag", [tag["name"] for tag in TAGS])
def test_every_answer_to_every_request_is_one_that_the_document_names(
    market: Market, fuzzed_app: Any, tag: str
) -> None:
    callers = cycle(callers_in(market))
    with asgi.get_client(fuzzed_app) as client:
        session: Session = client

        def attempt(case: Sent, caller: Caller) -> None:
            answer = case.call(session=session, headers=signed(fuzzed_app, caller))
            case.validate_response(answer, checks=CHECKS)

        for operation in operations_of(fuzzed_app, tag):
            for number, case in enumerate(islice(boundaries(operation), 0, None, BOUNDARY)):
                attempt(case, market.city)
                if number % 8 == 0:
                    attempt(case, next(callers))
            for mode in GenerationMode:
                fuzz(operation, mode, market, attempt)


def test_what_one_answer_names_is_asked_for_in_the_next(market: Market, fuzzed_app: Any) -> None:
    """Nothing sends a book out of balance, or a server astray, in whichever order it is done and by whom."""
    callers = cycle(one for caller in callers_in(market) for one in (market.city, caller))
    answers: Counter[int] = Counter()
    failures: list[Exception] = []
    with asgi.get_client(fuzzed_app) as client:
        schema = schema_of(fuzzed_app)

        class Walk(schema.as_state_machine()):  # type: ignore[misc] # made of the document
            def before_call(self, case: Sent) -> None:
                aimed(case, market.things)

            def get_call_kwargs(self, *_sent: Any) -> dict[str, Any]:
                return {"session": client, "headers": signed(fuzzed_app, next(callers))}

            def validate_response(self, response: Response, case: Sent, *_more: Any, **_sent: Any) -> None:
                answers[response.status_code] += 1
                try:
                    case.validate_response(response, checks=CHECKS)
                except Exception as failure:
                    failures.append(failure)  # sent again, it may pass: the market has moved on
                    raise

        assert sum(len(known.outgoing) for known in Walk._transitions.operations.values()) >= LINKED
        for number in range(WALKS):
            Walk.rule_order_seed = number  # which operation comes first
            with suppress(Flaky):  # the same requests are answered otherwise the second time
                seed(number)(Walk).run(settings=sending(2, stateful_step_count=STEPS))
    assert failures == []
    assert sum(answers.values()) > WALKS * 2
    assert sum(answers[status] for status in (200, 201)) > WALKS / 2
