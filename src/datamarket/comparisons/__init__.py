"""Yearly comparisons: what an operator has earned with a zone's public data, beside what was permitted.

yearly comparison = 年度收入比对 · price report = 年度价格报告

Invariants
- what was earned is what the ledger says: settlements of the year on the operator's accounts, net of refunds, by product
- an income is compared once, by its operator, when its year is over; further off than the limit, its ceilings are to be reset
- what was earned too much is deducted from later incomes; a report that is late is told once

Uses: trading, catalogue, ledger, prices, evidence, auth, foundation.
"""
