"""The public price list: what products on public data cost, beside their ceilings.

price list = 价目表 · listed price = 挂牌价格

Uses: listings, ceilings, foundation.
"""
