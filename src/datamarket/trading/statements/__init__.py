"""Statements of a participant's month: each movement of the ledger beside the use or order, trade and contract that it settles.

statement line = 对账明细 · cost and usage = 费用与用量
"""
