"""Cases of "Data Elements ×", their verified investment, and what was claimed for each.

case = 典型案例 · claim = 已获资助记录
"""
