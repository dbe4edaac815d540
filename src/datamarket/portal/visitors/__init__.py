"""Pages for everyone: the market in figures, catalogue, zones, prices, awards, evidence.

visitor = 访客 · tour = 导览

Uses: portal, the desk's names of ids.
"""
