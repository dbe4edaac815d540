"""Figures of the market for everyone to read, and the only place that joins the slices to count.

turnover = 流通交易额 · net = 净额 · operation product = 运营产品 · exchange product = 流通产品
league table = 企业排行

Invariants
- no action writes here; every figure is counted from the rows of the other slices when it is asked for, but
  published listings and approved products, which triggers count as they come and go (I21)
- a trade belongs to the business year and month in which it occurred; what was refunded of it lowers that
  same year, whenever it was given back
- a free trade counts as a free trade, and never as turnover; `trades` are the paid ones
- the league table is the public one: all venues, related parties included. It is not the subsidy's base

Uses: every slice below it, reading only.
"""
