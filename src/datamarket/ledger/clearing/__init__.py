"""What waits on clearing accounts, and for how long.

clearing account = 过渡账户
"""
