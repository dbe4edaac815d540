"""The chain of authority as one can show it: from the city's mandate to a use, at any instant, and what its end would stop.

authority = 授权依据 · affected = 受影响范围 · exit plan = 退出安排

Invariants
- the chain at an instant is what the links' own histories say of that instant, not a picture taken then
- a mandate under which money is held is withdrawn only with a plan for it
- what is affected is counted under the locks of the withdrawal itself: no order slips in between

Uses: contracts, zones, stoppages, auth, foundation.
"""
