"""The subsidy desk: who gets how much, why, and who does not; the same answer years later.

Words   scheme = 方案 · clause = 条款 · fact = 事实 · predicate = 条件 · candidate = 申报对象 · snapshot = 快照
        line = 奖补明细 · step = 计算步骤 · cut = 入围线 · cap = 上限 · stacking = 叠加 · budget = 预算 · reform = 测算方案

predicates      the registry of facts and of named conditions
scheme, clause  the format of a scheme file; scheme_files reads it and names the line of every mistake
terms           candidates, snapshots, steps, lines, results: frozen, hashed, JSON in and out
rules           the evaluator, pure; ranking and limits are its two collective halves
explain         steps → one sentence in Chinese, one in English
facts_files     enterprises and projects from CSV files or a workbook
evaluation      a scheme and a folder of facts → awards, without a database; workbook writes them out
whatif, reform  the same snapshot under other parameters, of which only listed ones may be set
facts           named, versioned SQL over the market; snapshots freezes what it finds, review flags it
lifecycle       the states and duties of a run; dossier reads a run, drift and replay question it

Invariants: amounts are whole fen and rates exact fractions; the order of rows never matters; an award
never exceeds its cap; lines add up to the total; every candidate has a line, paid or not; what is
missing is held, never taken as zero; no policy number stands in code.

Uses: trading, catalogue, ledger, participants, evidence, auth, foundation; the evaluator foundation only.
"""
