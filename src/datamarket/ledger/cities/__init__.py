"""Money between two cities' ledgers, in two postings through mirrored clearing accounts.

transfer between cities = 城际划转
"""
