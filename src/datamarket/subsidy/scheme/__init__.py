"""The format of a scheme file: clauses, values with dates, and the vocabulary of facts and conditions.

scheme = 方案 · clause = 条款 · fact = 事实 · predicate = 条件 · cap = 上限 · stacking = 叠加
"""
