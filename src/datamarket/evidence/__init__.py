"""What happened, by whom, when; and proof that nobody changed it since: audit events, and the sealed log.

audit event = 审计事件 · actor = 操作主体 · subject = 对象 · leaf = 叶子 · block = 区块 · checkpoint = 检查点
watermark = 水位线 · inclusion proof = 存在性证明 · consistency proof = 一致性证明 · epoch = 纪元

Invariants
- events and the log are only ever added to: the application role may not change a row, and a trigger refuses it
- an action that is refused leaves no event, an action that is committed always has one
- I12: every row below the watermark has exactly one leaf; every leaf, root and signature can be taken anew
- what is sealed is never sealed again, also after a dump was restored into another server

`sealing` is one pass, `verification` takes it all anew, `proofs` answers visitors, `bundle` goes outside;
which rows are sealed is told from above, by `LeafSource`.

Uses: auth, foundation.
"""
