"""Income and awards leave the market through a bank, and the bank's side is compared with the books.

payout = 出款 · batch = 出款批次 · advice = 银行回执 · statement = 银行对账单 · reconciliation = 银行对账

Money in four steps: income → in transit when a batch is sent; in transit → bank when the bank has
executed a payout, or back to where it came from when it has refused it; the statement's line then matches the
entry. `files` reads and writes the three files, `bank` is a bank that works on files only.

Invariants
- who made a batch does not approve it; what was approved is what is sent, byte by byte
- a payout leaves, is executed or comes back at most once, and never exceeds what its account holds
- an award has at most one payout that is neither refused nor cancelled; its room is told of the answer in the same transaction
- I11 what is in transit is the sum of sent, undecided payouts
- a bank line and an entry match at most once, with equal amounts
- bank balance − book balance is explained by unmatched lines and entries, to the fen

Uses: ledger, participants, evidence, auth, foundation.
"""
