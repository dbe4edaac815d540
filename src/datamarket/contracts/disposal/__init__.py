"""The duty at the end of a contract: its buyer deletes or returns what it received, in time, and proves it.

disposal = 数据处置 · digest = 摘要 · overdue = 逾期

Invariants
- every contract that was in use and is over has one duty, with its day: the annex says it, or else a dated parameter
- a proof is the digest of what the buyer keeps as evidence; it is given once, also late
- what is overdue is told once, in the audit

Uses: contracts (its rows, words and days), evidence, auth, foundation.
"""
