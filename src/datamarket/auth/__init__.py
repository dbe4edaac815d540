"""Who calls, and what they may do: accounts, roles, permissions, tokens.

account = 账户 · role = 角色 · permission = 权限 · access token = 访问令牌 · refresh token = 刷新令牌

Invariants
- a permission belongs to roles in one table (`terms.PERMISSIONS_OF`); every route names one
- exactly one algorithm is accepted, and every claim is required (`tokens`, the only file with jose)
- a refresh token works once, or within ten seconds; a later use ends the whole family
- passwords are kept as argon2 hashes, refresh tokens as SHA-256; a temporary password writes nothing
- roles that judge or oversee stand alone in an account; roles and organisation never change

Uses: foundation.
"""
