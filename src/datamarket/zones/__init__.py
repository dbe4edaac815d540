"""Authorised operation of public data: zones, mandates, scenarios, and the resources registered for them.

zone = 专区 · mandate = 授权 · scenario = 场景 · resource = 公共数据资源 · registration = 登记
succession = 授权承接 · supplying unit = 供数单位 · publicity = 公示 · level = 数据分级

Rooms: resources, and amendments of what is registered; mandates once granted, and undertakings to renew them.

Invariants
- a zone opens with a mandate in force, and has at most one mandate on any day
- the next mandate of a zone takes over contracts that waited for it, if it is the same operator's; else they end
- a mandate runs half-open, and beyond the limit of `limits.yaml` only with a recorded reason
- who operates a zone is an admitted zone operator

Periods and limits are dated and cited in `limits.yaml`; `limits` reads them.
Uses: participants, evidence, auth, foundation.
"""
