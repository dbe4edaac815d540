"""The inbox: what waits for the caller, until when, and what happens then.

inbox = 待办 · matter = 待办事项 · deadline = 期限

Invariants
- nothing is written and nothing marked as read: what waits is what the things' own rows say now
- by deadline; what has none comes last
- who may not do it is not asked to

Uses: the rows of whatever waits, by statements of this room; zones, auth, foundation.
"""
