"""Public-data resources and their registration, from filing to a unified code, renewal and cancellation.

resource = 公共数据资源 · registration = 登记 · filing = 登记申请 · supplying unit = 供数单位 · publicity = 公示

Invariants
- a zone's own operator submits and renews, the authority does the rest
- a resource gets its registration code after its publicity, once; it is then valid for a term
- who supplies the data is an admitted supplying unit; core data never trades

Uses: zones, participants, evidence, auth, foundation.
"""
