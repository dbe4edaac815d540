"""What is changed or corrected on a registered resource, and levels assessed anew.

change = 变更登记 · correction = 更正登记 · level assessment = 分级评估

Invariants
- a change or a correction is filed with its reason, and only for what is registered
- a level changes only with a record of who re-assessed it, and why

Uses: resources, zones, evidence, auth, foundation.
"""
