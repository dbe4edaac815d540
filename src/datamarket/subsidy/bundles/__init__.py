"""Bundles: one file from which a run is recomputed on any machine, without a database, and held to what was sealed.

bundle = 重算包

Invariants
- the same run, its events sealed, is the same bytes, whoever asks and whenever
- what replays a bundle imports neither database nor HTTP

Uses: runs, facts, evaluator, scheme, evidence, foundation.
"""
