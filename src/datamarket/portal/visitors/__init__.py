"""Pages for everyone: the market in figures, catalogue, zones, prices, awards, evidence.

visitor = 访客

Uses: portal.
"""
