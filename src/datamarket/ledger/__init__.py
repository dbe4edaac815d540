"""The settlement ledger: double entry, append-only, whole fen.

entry = 分录 · leg = 分录行 · account = 账户 · balance = 余额 · period = 会计期间 · reversal = 冲正
hold = 冻结 · clearing account = 过渡账户 · closing balance = 期末余额 · statement = 对账单

Invariants (numbers of docs/ledger.md; `checks` recomputes them from the rows)
- I1 the legs of an entry sum to zero, at least two, none of them zero     · I2 so does the market
- I3 a stored balance is the sum of its legs, its version their number     · I4 debits equal credits
- I5 no entry or leg is ever changed: by privilege, and by trigger on every partition
- I6 one posting per (ledger, source, kind)     · I7 reversals never exceed, and mirror, the original
- I8 a hold is resolved at most once     · I10 nothing posts into a closed month, and its balances chain
- a debit is a positive amount, a credit a negative one

Everything is posted by one database function, `ledger_post`; a single posting is a batch of one.
Uses: participants, evidence, auth, foundation.
"""
