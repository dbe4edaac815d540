"""Permitted income: what an operator may earn in a year with a zone's public data, after 发改价格〔2025〕65号.

permitted income = 最高准许收入 · yearly comparison = 年度收入比对 · excess = 超收收入

Invariants
- it is the cost less the subsidies, the profit, and the tax, less what was earned too much before: the steps add up to it
- who files it does not review it, and who reviewed it does not approve it; a zone and year have one at most
- an excess is deducted from incomes of later years, each fen once

Rates and limits are dated and cited in `rates.yaml`; `rates` reads them.
Uses: zones, evidence, auth, foundation.
"""
