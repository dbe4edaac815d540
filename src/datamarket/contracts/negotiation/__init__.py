"""Offers and counter-offers before a contract is signed, and amendments after: versions of the same terms.

offer = 条款版本 · counter-offer = 还价 · amendment = 变更 · renewal = 续签 · version in force = 有效版本

Invariants
- a version is never changed: the next one replaces it, and says by whom, why, and what differs from the one before
- every version passes the checks of a request; who is not at turn is refused
- an amendment is signed by who offers it and by who signs it; until then, and without that, the terms in force stay
- what was reserved, delivered or used and not priced is settled under the terms it was made under: an amendment that
  takes anything away, or changes the price, waits for it
- a renewal is an amendment of the term alone, and is linked to its authority anew

Uses: contracts, catalogue, participants, zones, evidence, auth, foundation.
"""
