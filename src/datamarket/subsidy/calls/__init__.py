"""Calls for applications, one a scheme version and year, and the life of an application, from its draft to a decision.

call = 申报通知 · application = 奖补申报 · proposal = 免申即享

Invariants
- an enterprise applies for its own case, once a call; it submits and confirms from the first to the last day of the call
- a paper is named for each one that the call asks for
- who passes an application for the district decides it no more; verifying it verifies the case with its audit paper
- what a calculated run would award is proposed without an application; the enterprise only confirms

Uses: runs (lines), cases, papers, register, evidence, auth, foundation.
"""
