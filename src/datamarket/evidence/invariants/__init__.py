"""The invariants of the market: what each states, and what this server last found.

invariant = 不变量

Invariants
- nothing is run by asking: housekeeping runs the quick ones each minute, `datamarket check` all of them
- of what others than this server process have found nothing is stored

Uses: auth, foundation.
"""
