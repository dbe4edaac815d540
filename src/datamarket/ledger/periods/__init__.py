"""Accounting months: open, closing, closed with their balances, archived; reopened as a further revision.

period = 会计期间 · closing balance = 期末余额
"""
