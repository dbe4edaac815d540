"""Certificates of trades: what the market attests, numbered by its place in the sealed log, signed, with its proof.

certificate = 交易凭证 · certificate number = 凭证编号

Invariants
- the number is the place of the trade's entry in the log: one of its own, and always the same
- what is signed is the trade as it is when it is asked for; the entry, its digest and its leaf never change

Uses: trading, ledger, evidence, auth, foundation.
"""
