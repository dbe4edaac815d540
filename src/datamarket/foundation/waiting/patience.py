"""How long a request may wait: some routes say that they take long, and who sends much may wait longer."""

from collections.abc import Callable
from typing import Any, Protocol, Self, TypeVar

EndpointT = TypeVar("EndpointT", bound=Callable[..., Any])
LONG: set[Callable[..., Any]] = set()
LONG_SECONDS = 120
"""More for what reads a year of ten million trades, or settles one: the list in docs/operations.md."""
BYTES_A_SECOND = 2**15
"""Of a body: 300 trades, which take a tenth of a second; a whole batch of 5,000 gets twenty seconds more."""


def takes_long(endpoint: EndpointT) -> EndpointT:
    """Written between the route and its function."""
    LONG.add(endpoint)
    return endpoint


class Patient(Protocol):
    """What has a deadline, and can be had with another."""

    seconds: int

    def within(self, seconds: int) -> Self: ...


PatientT = TypeVar("PatientT", bound=Patient)


def patient(database: PatientT, endpoint: Callable[..., Any], body: bytes = b"") -> PatientT:
    """The database, with the deadline of a request to this endpoint."""
    more = len(body) // BYTES_A_SECOND + (LONG_SECONDS if endpoint in LONG else 0)
    return database.within(database.seconds + more) if more else database
