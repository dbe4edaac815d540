"""The sealed log: every entry and audit event is a leaf of one tree, and each block a signed checkpoint.

leaf = 叶子 · block = 区块 · checkpoint = 检查点 · watermark = 水位线 · inclusion proof = 包含证明
"""
