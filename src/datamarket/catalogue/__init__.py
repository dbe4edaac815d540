"""What is for sale: venues, products and their reviewed versions, listings, and the search over them.

venue = 数据流通交易平台 · product = 数据产品 · version = 产品版本 · compliance review = 合规审查
listing = 挂牌 · price plan = 计价方案 · maker = 产品开发方 · offer = 报价要约

Rooms, each upon those before it: venues, products, listings, search. `terms` and `rules` hold what
several of them say alike, `words` by which words a listing is found.

Invariants
- core data and raw public data never enter the market
- nobody reviews their own product
- what is published keeps its version, its venue and its price

Uses: zones, participants, evidence, auth, foundation.
"""
