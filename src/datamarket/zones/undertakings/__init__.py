"""Undertakings to renew: an operator answers for contracts that outlast its mandate, until the renewal stands or falls due.

undertaking = 续期承诺 · overdue = 逾期未履行

Invariants
- an undertaking names its document, by its digest, until when the mandate is to be renewed, and by when that must stand
- a mandate has at most one that is open; it lets contracts be signed, and lets none be used beyond the mandate
- it is fulfilled by a renewal, or by the next mandate of the zone, that reaches as far; else it is told when it falls due

Uses: zones, evidence, auth, foundation.
"""
