"""Ceilings: what a product on public data may cost at most, by unit and day.

ceiling = 上限价格 · trial price = 试行价格 · expected volume = 预计用量

Invariants
- the authority sets a ceiling upon an approved permitted income, for days of its year; it holds until the next is set
- what the ceilings of one income are expected to earn is never more than that income
- nothing is published, quoted, offered, agreed or signed above a ceiling in force; what runs keeps its price until its term
- a product that has ceilings is priced in units that have one; where the income was far off, none is published until they are reset

Uses: products, prices, evidence, auth, foundation.
"""
