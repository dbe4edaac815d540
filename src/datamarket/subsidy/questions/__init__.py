"""Questions of staff to one frozen snapshot; a question with its answer is a study, which has an address and can be cited.

question = 测算问题 · study = 测算报告 · kink = 拐点 · meeting rate = 满足预算的比例 · citation = 引用

Invariants
- the snapshot of the run is the only input; a study moves no run
- the same question to the same scheme and snapshot by the same engine is one study, under the digest of question and answer
- what a study answers is stored: table, workbook and charts are the same bytes for ever

Uses: studies, runs, evidence, auth, foundation.
"""
