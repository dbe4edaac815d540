"""The application: every room's routes behind one edge."""

import ctypes
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from fastapi import FastAPI, Request

from datamarket import __version__, slices
from datamarket.auth.api import keys
from datamarket.auth.attempts import Attempts
from datamarket.auth.keys import derived_secret
from datamarket.auth.tokens import TokenKeeper, load_key
from datamarket.contracts import api as contracts
from datamarket.dataspace import api as dataspace
from datamarket.dataspace.sending import Courier
from datamarket.edge import docs, middleware, openapi, operations, problems
from datamarket.edge.remembered import Heard
from datamarket.edge.signpost import Signpost
from datamarket.evidence.actions import record
from datamarket.evidence.answers import tell_answer
from datamarket.foundation.clock import read_clock as wall_clock
from datamarket.foundation.db import Connection, Database
from datamarket.foundation.http import API_PREFIX, read_now
from datamarket.foundation.idempotency import Answer, Claim
from datamarket.foundation.replicas.lagging import Replica
from datamarket.foundation.settings import Settings
from datamarket.notices.subscriptions.sending import Sender
from datamarket.portal import pages
from datamarket.server.checks import CHECKS
from datamarket.server.following import following
from datamarket.server.housekeeping import kept_house
from datamarket.server.listening import listening
from datamarket.server.sealing import sealer_of
from datamarket.server.telling import telling
from datamarket.trading import api as trading

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGE_OCTETS = 2**20
"""From here on a piece of memory is the system's own again as soon as it is free."""
KEPT_OCTETS = 2**25
"""Of small pieces that are free: what each batch takes is not asked of the system each time."""


def create_app(
    settings: Settings, database: Database, *, read_clock: Callable[[], datetime] = wall_clock
) -> FastAPI:
    """The application on one database, which it opens at its start and closes at its end."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await database.open()
        _settle()
        kept = kept_house(database, settings, read_clock)
        heard, told = app.state.heard, telling(app.state.sender, app.state.courier)
        async with listening(database, heard), following(app.state.replica, database, heard), kept, told:
            yield
        await database.close()

    app = FastAPI(
        title="datamarket",
        version=__version__,
        summary="Public-data marketplace of a city: zones, products, contracts, trades, ledger, subsidy",
        description=docs.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would name the host that the caller claims
        lifespan=lifespan,
        openapi_tags=docs.TAGS,
        generate_unique_id_function=openapi.operation_id,
        telemetry={"tracing": False, "metrics": False},
    )
    _equip(app, settings, database, read_clock)
    signpost = Signpost()
    app.router.routes.append(signpost)
    for router in slices.routers():
        signpost.include(app, router, API_PREFIX)
    signpost.include(app, keys)
    signpost.include(app, dataspace.versions)
    signpost.include(app, operations.router)
    contracts.install_desk(app)
    trading.install_desk(app)
    docs.mount(app)
    pages.mount(app)
    openapi.install(app)
    problems.install(app, slices.constraint_errors())
    middleware.install(app, settings, signpost)
    return app


def _settle() -> None:
    """What lives as long as the process is not looked at by every collection; `serve` loads it without any.

    What is large, as the 19 MiB in which a password is compared, goes back to the system once it is free: glibc would
    keep such a piece for each thread that ever held one.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    with suppress(OSError, AttributeError):  # no other C library has the call, nor the habit
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_THRESHOLD, LARGE_OCTETS)
        library.mallopt(_M_TRIM_THRESHOLD, KEPT_OCTETS)


def _equip(app: FastAPI, settings: Settings, database: Database, read_clock: Callable[[], datetime]) -> None:
    """What requests find in `app.state`."""
    key = load_key(settings)
    app.state.settings = settings
    app.state.database = database
    app.state.heard = Heard()
    app.state.replica = _replica_of(settings)
    app.state.read_clock = read_clock
    app.state.attempts = Attempts(settings)
    app.state.record = record
    app.state.checks = CHECKS
    app.state.tell_answer = _tell_answer
    app.state.tokens = TokenKeeper(key, settings)
    app.state.cursor_secret = derived_secret(key, b"page cursors")
    app.state.sealer = sealer_of(settings)
    secret = derived_secret(key, b"subscriptions")
    sender = Sender(database, settings.ledger_id, secret, settings.webhook_networks, read_clock)
    app.state.sender = sender
    app.state.courier = Courier(sender, app.state.sealer.notary, settings.public_url)


def _replica_of(settings: Settings) -> Replica | None:
    if not settings.replica_url:
        return None
    database = Database(settings.replica_url, settings.pool_size, settings.request_deadline_seconds)
    return Replica(database, settings.replica_lag_seconds)


async def _tell_answer(request: Request, connection: Connection, claim: Claim, answer: Answer) -> None:
    """Officers act on what a subsidy's writes answer, a few a year; of all writes it would be one more row each."""
    if request.scope["path"].startswith(f"{API_PREFIX}/subsidy/"):
        await tell_answer(connection, claim, answer, now=await read_now(request))


def from_environment() -> FastAPI:
    """What each worker of `datamarket serve` runs: settings and database from the environment."""
    settings = Settings()
    database = Database(settings.database_url, settings.pool_size, settings.request_deadline_seconds)
    return create_app(settings, database)
