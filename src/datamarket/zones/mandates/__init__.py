"""The life of a mandate after it was granted: renewed, evaluated, withdrawn and reinstated, or over by its term.

renewal = 授权续期 · withdrawal = 授权收回 · evaluation = 运营评估 · exit = 退出

Invariants
- a renewal joins the term without a gap, and is bound by the same limit as a first term
- a withdrawal says why; what stands on the mandate stops with it, and goes on when it is reinstated
- a mandate of which the term is over is never revived: what it gave is given anew

Uses: zones, stoppages, evidence, auth, foundation.
"""
