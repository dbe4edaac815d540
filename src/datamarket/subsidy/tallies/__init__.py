"""How many things of the subsidy desk are in each state, and what a run's lines come to.

tally = 计数

Uses: lines, calls, objections, recoveries, runs, integrity, auth, foundation.
"""
