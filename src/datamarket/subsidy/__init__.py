"""The subsidy desk: who gets how much, why, and who does not; the same answer years later.

scheme = 方案 · clause = 条款 · fact = 事实 · predicate = 条件 · candidate = 申报对象 · snapshot = 快照
line = 奖补明细 · step = 计算步骤 · cut = 入围线 · cap = 上限 · stacking = 叠加 · budget = 预算 · reform = 测算方案

terms      candidates, snapshots, steps, lines, results: frozen, hashed, JSON in and out
scheme     the format of a scheme file, read whole or refused with the line of every mistake
evaluator  the pipeline, pure; its steps told in one sentence in Chinese and one in English
facts      named, versioned statements over the market, or an office's files; frozen as a snapshot; flags
register   versions of a scheme, approved by another hand than wrote them; the budget of a year
papers     files that a case or an application stands on
cases      projects, their verified investment, what was claimed for each
integrity  trades and claims that only look like some: detectors, and flags that a person judges
calls      applications, and awards that nobody applies for
runs       a run through its life, from its snapshot to payment
objections what is said against a public list, and appeals: decided by another, leading to a run for everyone
recoveries awards that were paid and come back: decided, in instalments, set off
lines      what readers see: awards, refusals, what a reviewer must look at; tallies: how many in each state
bundles    a run as one file that is recomputed anywhere, and held to what was sealed
studies    another run, today's books, other parameters, the same bytes again; a workbook
questions  what staff ask of one snapshot, with charts, kept under an address

Invariants: whole fen, exact rates; the order of rows never matters; an award never exceeds its cap; every candidate
has a line, paid or not; what is missing is held, never taken as zero; no policy number stands in code.
Uses: payouts, ledger, participants, evidence, auth, foundation; the evaluator the foundation only; reads trading, catalogue.
"""
