"""The invariants of the market: what each states, and what was last found.

invariant = 不变量

Invariants
- nothing is run by asking: housekeeping runs the quick ones each minute, `datamarket check` all of them
- the last result of each is kept, whoever ran it; a check that cannot keep its result tells it all the same

Uses: auth, foundation.
"""
