"""Load on the whole market: three users' journeys that end with balanced books, and ratios of the hot paths.

journey   what every journey does: sign in, call, count each refusal by its problem code
visitor   a visitor of the portal · trader   a buyer and a provider · officer   a policy officer
run       python -m loadtests.run: own market of a size (sizes, bulk) on an own port, journeys, report, check
bench     python -m loadtests.bench: both sides of each ratio in one run; its goals, works, stand, processor time, charts
rivals    what others would do for the same work
million   python -m loadtests.million: a year of trades, then the books at every past day
faults    python -m loadtests.faults: what holds when things break

Markets come from tests.world, where all that builds one stands.
"""
