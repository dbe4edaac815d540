"""The policy desk: runs and lines with their sentences and steps, what-if, flags, objections, payments and recoveries.

policy desk = 政策工作台 · ladder = 计算步骤 · heat map = 热力表

Invariants
- an amount, a rank, a reason or a next step is shown as the API gives it; a button stands for an event that it allows
- what is drawn stands beside its figures in a table

Uses: portal; the words of subsidy.
"""
