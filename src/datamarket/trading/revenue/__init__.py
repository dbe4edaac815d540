"""The dated rules by which a sale is split; one file of brackets a year.

bracket = 分档 · share = 分成比例
"""
