"""Cases of "Data Elements ×": one project each, entered by one and verified by another with a paper; what was claimed for it.

case = 典型案例 · claim = 已获资助记录 · doubt = 疑似重复 · share = 份额 · promotion = 晋级

Invariants
- a case is on a list under that list's own number, and of those that are not revoked one has it
- a joint case is one project: the shares of its enterprises are exact fractions that add up to 1
- who registered or corrected a case does not verify it; verification names its audit paper
- it is promoted by another hand too, with the list's paper; where it stood before is kept and dated
- a correction says why, keeps before and after in the audit, and asks for a new verification; none after payment
- what looks like another case is a doubt for who verifies and reviews, never a refusal

Uses: papers, facts (its thresholds), evidence, auth, foundation.
"""
