"""Pages of buyers and providers: contracts with their terms, uses and chain, negotiations, statements.

Uses: portal.
"""
