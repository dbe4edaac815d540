"""Who is certified as what: data merchant, third-party service, chief data officer.

qualification = 资质 · holder = 持有人

Invariants
- a certificate is an admitted participant's, over half-open days, the same one once at a time
- a chief data officer's names its holder, no other does

Uses: participants, evidence, auth, foundation.
"""
