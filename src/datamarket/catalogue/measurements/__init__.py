"""Measured quality: what somebody else than its maker found of an approved version, and on which day.

measurement = 质量测评 · measured figure = 实测值

Invariants
- neither the maker nor an affiliate measures a product; who does stands beside the figures
- of a version, a measurer and a day there is one measurement; it never changes

What a version promises of itself, and its samples, stand in the version: `products`.

Uses: products, participants, evidence, auth, foundation.
"""
