"""The HTTP edge: every router, and the one table from error families to statuses."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import Depends, FastAPI

from datamarket import __version__
from datamarket.accounts import api as accounts
from datamarket.auth import api as auth
from datamarket.auth import tables as auth_tables
from datamarket.auth.access import identify
from datamarket.auth.tokens import TokenKeeper, load_key
from datamarket.catalogue.listings import api as listings
from datamarket.catalogue.listings import tables as catalogue_tables
from datamarket.catalogue.products import api as products
from datamarket.catalogue.products import tables as product_tables
from datamarket.catalogue.search import api as catalogue
from datamarket.catalogue.venues import api as venues
from datamarket.catalogue.venues import tables as venue_tables
from datamarket.contracts import api as contracts
from datamarket.contracts import tables as contracts_tables
from datamarket.edge import docs, middleware, openapi, operations, problems
from datamarket.evidence import api as evidence
from datamarket.evidence.log import api as evidence_log
from datamarket.foundation.clock import read_clock as wall_clock
from datamarket.foundation.db import Database
from datamarket.foundation.errors import MarketError
from datamarket.foundation.http import API_PREFIX
from datamarket.foundation.settings import Settings
from datamarket.housekeeping import kept_house
from datamarket.ledger.books import api as ledger
from datamarket.ledger.books import tables as ledger_tables
from datamarket.ledger.cities import api as cities
from datamarket.ledger.cities import tables as city_tables
from datamarket.ledger.clearing import api as clearing
from datamarket.ledger.holds import api as holds
from datamarket.ledger.holds import tables as hold_tables
from datamarket.ledger.periods import api as periods
from datamarket.ledger.periods import tables as period_tables
from datamarket.ledger.reports import api as reports
from datamarket.ledger.statements import api as statements
from datamarket.participants import api as participants
from datamarket.participants import tables as participants_tables
from datamarket.participants.affiliations import api as affiliations
from datamarket.participants.affiliations import tables as affiliation_tables
from datamarket.participants.qualifications import api as qualifications
from datamarket.participants.qualifications import tables as qualification_tables
from datamarket.payouts import api as payouts
from datamarket.payouts import tables as payouts_tables
from datamarket.payouts.bank import api as bank
from datamarket.payouts.bank import tables as bank_tables
from datamarket.sealing import sealer_of
from datamarket.statistics import api as statistics
from datamarket.subsidy.cases import api as subsidy_cases
from datamarket.subsidy.cases import tables as case_tables
from datamarket.subsidy.lines import api as subsidy_lines
from datamarket.subsidy.register import api as subsidy_schemes
from datamarket.subsidy.register import tables as register_tables
from datamarket.subsidy.runs import api as subsidy
from datamarket.subsidy.runs import tables as subsidy_tables
from datamarket.subsidy.studies import api as subsidy_studies
from datamarket.trading import api as trading
from datamarket.trading import tables as trading_tables
from datamarket.trading.orders import api as orders
from datamarket.trading.orders import tables as order_tables
from datamarket.zones import api as zones
from datamarket.zones import tables as zones_tables
from datamarket.zones.amendments import api as amendments
from datamarket.zones.resources import api as resources
from datamarket.zones.resources import tables as resource_tables

ROUTERS = (
    catalogue.router,
    trading.router,
    contracts.router,
    orders.router,
    auth.router,
    accounts.router,
    listings.router,
    products.router,
    venues.router,
    zones.router,
    resources.router,
    amendments.router,
    participants.router,
    affiliations.router,
    qualifications.router,
    ledger.router,
    clearing.router,
    payouts.router,
    bank.router,
    holds.router,
    periods.router,
    statements.router,
    reports.router,
    cities.router,
    evidence.router,
    evidence_log.router,
    statistics.router,
    subsidy.router,
    subsidy_lines.router,
    subsidy_studies.router,
    subsidy_cases.router,
    subsidy_schemes.router,
)
"""Routing is a linear scan: the busiest come first."""

TABLES = (
    auth_tables,
    participants_tables,
    affiliation_tables,
    qualification_tables,
    zones_tables,
    resource_tables,
    catalogue_tables,
    product_tables,
    venue_tables,
    contracts_tables,
    trading_tables,
    order_tables,
    ledger_tables,
    hold_tables,
    period_tables,
    city_tables,
    payouts_tables,
    bank_tables,
    subsidy_tables,
    case_tables,
    register_tables,
)


def create_app(
    settings: Settings, database: Database, *, read_clock: Callable[[], datetime] = wall_clock
) -> FastAPI:
    """The application on one database, which it opens at its start and closes at its end."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await database.open()
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked at by every collection
        async with kept_house(database, settings, read_clock):
            yield
        await database.close()

    app = FastAPI(
        title="datamarket",
        version=__version__,
        summary="Public-data marketplace of a city: zones, products, contracts, trades, ledger, subsidy",
        description=docs.DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        openapi_tags=docs.TAGS,
        generate_unique_id_function=openapi.operation_id,
        telemetry={"tracing": False, "metrics": False},
    )
    app.state.settings = settings
    app.state.database = database
    app.state.read_clock = read_clock
    app.state.tokens = TokenKeeper(load_key(settings), settings)
    app.state.sealer = sealer_of(settings)
    for router in ROUTERS:
        app.include_router(router, prefix=API_PREFIX, dependencies=[Depends(identify)])
    app.include_router(auth.keys)
    app.include_router(operations.router)
    trading.install_desk(app)
    docs.mount(app)
    openapi.install(app)
    problems.install(app, constraint_errors())
    middleware.install(app, settings)
    return app


def from_environment() -> FastAPI:
    """What each worker of `datamarket serve` runs: settings and database from the environment."""
    settings = Settings()
    return create_app(settings, Database(settings.database_url, settings.pool_size))


def constraint_errors() -> dict[str, type[MarketError]]:
    """What each named constraint means to the caller, as its slice says beside it."""
    return {name: error for tables in TABLES for name, error in tables.ERRORS.items()}
