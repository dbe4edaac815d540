"""Pages of regulator and finance: books at a date, months, income and where it went, payouts, checks, the audit trail.

oversight = 监督

Uses: portal.
"""
