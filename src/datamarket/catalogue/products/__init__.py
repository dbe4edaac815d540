"""What is offered: a product and its versions, each reviewed by somebody who is not its maker.

product = 数据产品 · version = 产品版本 · compliance review = 合规审查 · maker = 产品开发方

Invariants
- nobody reviews their own product: neither the maker's organisation or affiliate, nor the account that submitted
- a zone's product stands on its zone's registered resources and on a mandate in force, when it is
  submitted and again when it is published; `sources` looks
- it is as sensitive as its most sensitive resource, unless its re-assessment is on record
- an approved version never changes, and retires only when nothing of it is, or is about to be, on sale

Uses: zones, participants, evidence, auth, foundation.
"""
