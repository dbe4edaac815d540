"""Account statements: movements with a running balance, opening and closing.

statement = 对账单
"""
