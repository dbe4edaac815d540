"""Who takes part in the market: organisations, their admission, who controls whom, what they are certified for.

participant = 市场主体 · admission = 入驻准入 · standing = 准入状态历史 · affiliation = 控制关系
qualification = 资质 · unified social credit code = 统一社会信用代码 · division = 行政区划

Rooms: affiliations, qualifications.

Invariants
- a credit code carries its GB 32100-2015 check digit, and belongs to one participant
- a suspension or withdrawal has a reason; each state held is kept with its half-open instants, and
  exactly one of them is open

Uses: evidence, auth, foundation.
"""
