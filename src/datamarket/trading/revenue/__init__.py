"""The dated rules by which a sale is taxed and split: one file, one dated value a rule.

bracket = 分档 · share = 分成比例
"""
