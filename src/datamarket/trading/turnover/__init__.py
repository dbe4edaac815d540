"""What each contract turned over in a year, kept while trades and refunds are written: the yearly run reads it.

turnover = 流通交易额 · part = 分项

A year of a contract is a few parts, whose sum is meant: whoever writes takes a part that is free at this moment, or
begins another. So nobody waits for a total, in whatever order they lock contracts and balances; there are as many
parts as there were writers at once. I17 compares the sums with every trade and refund.
"""
