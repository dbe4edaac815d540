"""The rooms of the market, each registered by one line; what the six file names hold is found by their names.

A new noun is one line here. Application, checks, tests and glossary read this list.
"""

from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from fastapi import APIRouter

from datamarket.foundation import checks as invariants
from datamarket.foundation.errors import MarketError
from datamarket.foundation.states import Life

ROOMS = (
    "catalogue.search",
    "trading",
    "contracts",
    "contracts.negotiation",
    "contracts.disposal",
    "contracts.text",
    "contracts.usage",
    "contracts.kinds",
    "trading.orders",
    "trading.disputes",
    "contracts.quotes",
    "trading.turnover",
    "trading.certificates",
    "trading.statements",
    "authority",
    "auth",
    "accounts",
    "catalogue.listings",
    "catalogue.ceilings",
    "catalogue.tariff",
    "catalogue.products",
    "catalogue.measurements",
    "catalogue.venues",
    "zones",
    "zones.resources",
    "zones.amendments",
    "zones.mandates",
    "zones.undertakings",
    "prices",
    "comparisons",
    "participants",
    "participants.affiliations",
    "participants.qualifications",
    "ledger.books",
    "ledger.clearing",
    "payouts",
    "payouts.bank",
    "ledger.holds",
    "ledger.periods",
    "ledger.statements",
    "ledger.reports",
    "ledger.cities",
    "notices.events",
    "notices.inbox",
    "notices.subscriptions",
    "dataspace",
    "dataspace.transfers",
    "stoppages",
    "evidence",
    "evidence.log",
    "evidence.invariants",
    "statistics",
    "statistics.names",
    "subsidy.runs",
    "subsidy.lines",
    "subsidy.tallies",
    "subsidy.recoveries",
    "subsidy.studies",
    "subsidy.bundles",
    "subsidy.questions",
    "subsidy.cases",
    "subsidy.integrity",
    "subsidy.papers",
    "subsidy.calls",
    "subsidy.objections",
    "subsidy.register",
    "subsidy.facts",
)
"""Routing is a linear scan: the busiest come first."""


def files(name: str) -> list[ModuleType]:
    """The modules of this name, of every room that has one."""
    paths = (f"datamarket.{room}.{name}" for room in ROOMS)
    return [import_module(path) for path in paths if find_spec(path)]


def routers() -> list[APIRouter]:
    return [api.router for api in files("api")]


def constraint_errors() -> dict[str, type[MarketError]]:
    """What each named constraint means to the caller, as its room says beside it."""
    return {
        name: error for tables in files("tables") for name, error in getattr(tables, "ERRORS", {}).items()
    }


def lives() -> list[Life[StrEnum, StrEnum]]:
    """Every state machine, in the order of the rooms."""
    return [life for rules in files("rules") for life in vars(rules).values() if isinstance(life, Life)]


def checks() -> tuple[invariants.Check, ...]:
    """The invariants of every room, by their numbers."""
    found = [check for room in ROOMS for check in invariants.of_room(f"datamarket.{room}")]
    return tuple(sorted(found, key=lambda check: (check.number, check.id)))
