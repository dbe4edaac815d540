"""Where listings trade: an exchange, what it admits, what it charges, whether it counts for the subsidy.

venue = 数据流通交易平台 · venue fee = 平台服务费 · fee payer = 服务费承担方

Invariants
- a venue is opened for an admitted venue operator, and admits the categories it names, or all
- it counts for the subsidy from a named day and on somebody's word, or not at all
- new terms hold for what is agreed from then on; a closed venue publishes nothing more

Uses: participants, evidence, auth, foundation.
"""
