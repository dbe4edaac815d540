"""Month-end and year-end reports: trial balance, income by destination, fees and taxes, clearing accounts.

report = 会计报表 · destination = 收入去向
"""
