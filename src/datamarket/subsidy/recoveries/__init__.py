"""What was paid and has to come back: proposed from the drift, decided by another hand, paid in instalments or set off.

recovery = 追回 · ground = 追回依据 · instalment = 分期 · receipt = 收回 · set-off = 抵扣 · restoration = 恢复 · fine = 罚款 · letter = 追回决定书

Invariants
- of an award never more is decided for recovery than was paid of it; the database holds it too
- who proposed a recovery does not decide it; of a line and a cause one is open
- the plan's instalments add up to amount and fine; what comes in pays the oldest first, and interest last
- a decision opens a receivable of the enterprise, and receipts close it: at the end it stands at zero
- what comes in of fine and interest is the treasury's, and leaves with its payouts
- a bank advice is entered once, whatever it pays; an award is set off once, and never beyond it or what is owed
- what the books justify again of what a recovery took is awarded again: by an event of it, in their amount, never twice
- standing is judged until payment: what became of the payee afterwards is no ground

Uses: runs (lines, postings), facts, evaluator, ledger, evidence, auth, foundation.
"""
