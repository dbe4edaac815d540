"""What a use of a listing would cost: stated, numbered, signed, and for some days.

quote = 报价单 · price line = 计价明细

Invariants
- a quote is priced by the plan that its contract would freeze: for the public good free
- an order that names its quote is what was quoted, field by field; a quote is used once, before it expires
- its note is signed with the key of the sealed log: whoever holds that key checks it without us

Uses: contracts' rules, listings, evidence, auth, foundation.
"""
