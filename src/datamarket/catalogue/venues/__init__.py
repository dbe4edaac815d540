"""Where listings trade: an exchange, what it admits, what it charges, whether it counts for the subsidy.

venue = 数据流通交易平台
"""
