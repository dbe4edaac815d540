"""Objections to a public list, and appeals against their rejection: who says what, who answers, who decides, and what changed.

objection = 异议 · appeal = 申诉 · decision = 决定 · outcome = 异议结果 · notice = 公示公告

Invariants
- an enterprise with something to do with a run objects while its list is public, for itself or recorded by an officer
- who calculated the run, filed or recorded an objection, or decided what is appealed, decides none of it; the database keeps them apart
- an appeal is an objection of its own, against a rejection and within its days, once
- a run is not approved while one is open or may still be appealed, nor when one was upheld after the run was opened
- another enterprise's objection is not there

Uses: runs, papers, evidence, auth, foundation. Its statements also read the rows of cases and trading.
"""
