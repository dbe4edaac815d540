"""Forms: a write of the API as fields, from the schema of what it takes.

form = 表单 · field = 栏目

Invariants
- every write of the API has a form at `/form` + its path; what may be chosen is what the API would allow
- what is refused is shown again as it was typed, with the API's sentence beside its field
- a form carries its Idempotency-Key and the tag of what was read

Uses: portal, foundation.
"""
