"""Limits of a use: clauses of an annex that every use is held to, beside purpose, term and quota.

limit = 使用限制 · operand = 使用要素 · territory = 使用地域 · recipient = 接收方 · onward transfer = 再转让 · rate = 用量速率

Invariants
- a contract without limits asks for nothing
- what a limit asks for and a use does not say is denied
- a rate counts the units of each hour of the clock, or day of the market, on a row of its own under the meter's lock

Uses: catalogue, foundation.
"""
