"""Kinds of contract after the model contracts GF-2025-2615 to 2618, and the clauses of the annex that each kind needs.

kind of contract = 合同类型 · clause = 条款 · annex = 合同附件 · data right = 数据权利
holding, using, operating = 持有、使用、经营

Invariants
- a contract, and each version of its terms, is of one kind; after the signature the kind stays
- a clause that its kind needs is there, none of another kind is, and no two contradict each other
- provision needs no clause: where one is silent, what the contract's text says of it holds (`text/wording.py`)
- fees and shares of the other kinds are promises between the two: no ledger entry is made of them

Uses: listings, zones, contracts' words, foundation.
"""
