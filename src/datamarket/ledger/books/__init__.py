"""The books: accounts, entries, legs, balances, and the deposits that fill a buyer's funds.

account = 账户 · entry = 分录 · leg = 分录行 · balance = 余额 · deposit = 充值
"""
