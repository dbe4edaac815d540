"""Stops: a link in the chain of authority no longer stands, since when and why; what stands on it stops with it.

stoppage = 停止效力 · chain of authority = 授权链条 · link = 链条环节 · wind-down = 过渡期

Invariants
- whoever ends a link writes its stop, and what follows from it, in one transaction; so does whoever restores it
- a thing has at most one open stop; what stands on several links goes on when none of them is stopped
- each listing and contract that stops or goes on again has its audit event

What follows is decided by `listing_follow` and `contract_follow`, in the rooms of listings and contracts.
Uses: evidence, auth, foundation.
"""
