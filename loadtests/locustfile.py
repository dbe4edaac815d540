"""The three journeys together: `python -m locust -f loadtests/locustfile.py --host http://127.0.0.1:8000`."""

from loadtests.officer import PolicyOfficer
from loadtests.trader import Trader
from loadtests.visitor import PortalVisitor

__all__ = ["PolicyOfficer", "PortalVisitor", "Trader"]
