"""Money set aside until it is posted, voided or expires; resolved at most once.

hold = 冻结 · available = 可用
"""
