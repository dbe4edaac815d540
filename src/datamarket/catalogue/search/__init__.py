"""Finding a listing: every word and every run of Chinese that is asked for, filters, four orders.

search = 检索 · order = 排序 · wish = 检索条件

Invariants
- a search finds a listing if and only if the listing holds every word and every run of Chinese asked for
- pages in their order hold each listing once

Uses: listings, products, auth, foundation.
"""
