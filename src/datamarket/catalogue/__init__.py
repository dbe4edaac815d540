"""What is for sale: venues, products and their reviewed versions, listings, and the search over them.

venue = 数据流通交易平台 · product = 数据产品 · version = 产品版本 · compliance review = 合规审查
listing = 挂牌 · price plan = 计价方案 · maker = 产品开发方 · offer = 报价要约

Invariants
- nobody reviews their own product: neither the maker's organisation or affiliate, nor the account that submitted
- core data and raw public data never enter the market; a zone's product stands on its zone's registered
  resources and on a mandate in force, when it is submitted and again when it is published
- a listing is of one approved version; what is published does not change, a new price is a new listing
- use for the public good is free
- a search finds a listing if and only if the listing holds every word and every run of Chinese asked for

`words`, `search_queries` and `api` are the search; `listing_api`, `product_api`, `venue_api` the rest.

Uses: zones, participants, evidence, auth, foundation.
"""
