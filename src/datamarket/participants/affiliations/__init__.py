"""Who controls whom, from when to when.

affiliation = 控制关系 · control = 控制 · related = 关联方

Invariants
- nobody controls itself, on no day does control run in a circle, a pair is affiliated once at a time
- related = one controls the other, directly or through a chain, or both have a common controller:
  the view `related_party`, and `queries.are_related` for one pair on one day

Uses: participants, evidence, auth, foundation.
"""
