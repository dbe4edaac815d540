"""The three journeys together: `python -m locust -f loadtests/locustfile.py --host http://127.0.0.1:8000`.

Of ten users six visit, three trade, one is an officer; [assumed], as no market publishes its mix: most requests are
a program's that uses its contract, of people most read, as in the shopping mix of TPC-W (80 % browsing). They think for
seconds between clicks [assumed: 0.5 to 3 a visitor, 1 to 5 an officer; TPC-W has 7 on average], a program for a moment.
"""

from loadtests.officer import PolicyOfficer
from loadtests.trader import Trader
from loadtests.visitor import PortalVisitor

__all__ = ["PolicyOfficer", "PortalVisitor", "Trader"]
