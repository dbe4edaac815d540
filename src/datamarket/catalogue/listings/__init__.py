"""What is for sale: one approved version on one venue at one price.

listing = 挂牌 · price plan = 计价方案 · offer = 报价要约 · provider = 供方

Invariants
- what is published keeps its price: a new price is a new listing
- the provider asks; the authority decides, or the venue's operator where it is not the provider itself
- what the venue or the authority suspended only they resume
- use for the public good is free

Uses: products, venues, zones, participants, evidence, auth, foundation.
"""
