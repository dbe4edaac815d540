"""Calls for applications, one a scheme version and year, and the life of an application, from its draft to a decision.

call = 申报通知 · application = 奖补申报 · proposal = 免申即享 · declared item = 申报明细

Invariants
- an enterprise applies for its own case, once a call; it submits and confirms from the first to the last day of the call
- a paper is named for each one that the call asks for
- what it claims is declared by invoice and contract, each shown by a paper; a correction is another submission, none is rewritten
- who passes an application for the district decides it no more; verifying it verifies the case with its audit paper
- what a calculated run would award is proposed without an application; the enterprise only confirms

Uses: runs (lines), cases, papers, register, contracts, participants (its rules), evidence, auth, foundation.
"""
