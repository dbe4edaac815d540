"""A party disputes what is left of a trade; both settle it, or the authority decides, and the refund path moves the money.

dispute = 交易争议 · document = 证据材料 · outcome = 处理结果 · disputed = 争议中

Invariants
- a trade has at most one open dispute, of no more than what is left of it; while it is open nothing else is refunded
- what the provider would give back of its income is held meanwhile, as far as it is still there: no payout takes it
- an outcome lies between nothing and what was disputed, and is given back by the one way of refunds, once
- the other side answers in time; from then on the authority decides, with or without an answer

Uses: trading (refunds), ledger, contracts (days), evidence, auth, foundation.
"""
