"""The feed of events: of one's own things, and of what everyone is told.

event = 事件 · event type = 事件类型 · feed = 事件流

Invariants
- positions are those of leaves in the sealed log: they only grow, and none is given twice
- a page looks at so many leaves and no more, whatever it finds; its cursor stands behind what it has looked at
- of what is public only that it happened is told, not with which facts

Uses: evidence, auth, foundation.
"""
