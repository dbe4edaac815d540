"""What happened, by whom, when: an audit event for every action, in the action's own transaction.

audit event = 审计事件 · actor = 操作主体 · subject = 对象

Invariants
- events are only ever added: the application role may not change or delete one, and a trigger refuses it
- an action that is refused leaves no event, an action that is committed always has one

Uses: auth, foundation.
"""
