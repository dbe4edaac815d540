"""The policy desk: runs and lines with their sentences and steps, what-if, flags, objections, payments and recoveries.

policy desk = 政策工作台

Uses: portal.
"""
