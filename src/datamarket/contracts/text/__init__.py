"""The text of a contract, which both sides sign: Chinese, and the same bytes whenever it is asked for.

canonical text = 合同文本 · edition = 文本版式 · signed digest = 签署摘要

Invariants
- the text is made of the frozen terms of one version alone: another term is another text, and another SHA-256
- each side's signature keeps the digest of the text it signed, beside the version and in its audit event; the two are equal
- what is written never changes: other wording is another edition, and the one that was signed under stays

Uses: contracts' words and rows, kinds, categories, evidence, auth, foundation; names by SQL.
"""
