"""Who may sign in for whom, and who may write now: opening and closing accounts, on record.

account = 账户 · organisation = 所属机构 · office = 市级部门账户（无所属机构）

Invariants
- an account acts for an admitted participant, or for one of the city's own offices
- a closed account stays closed: its refresh tokens end with it, and what it writes is refused at once
- a stopped organisation settles what is owed, and writes nothing else
- the last open administrator stays
- every opening and closing leaves an audit event; passwords leave none

Uses: participants, evidence, auth, foundation.
"""
