"""Who controls whom, from when to when; two are related when one controls the other or a third controls both.

affiliation = 关联关系 · control = 控制
"""
