"""How much of a contract was used, month by month, and what its quota has left.

usage = 使用量

Invariants
- a month is one of the market's own time; fees of the plan are no uses

Uses: contracts, auth, foundation.
"""
