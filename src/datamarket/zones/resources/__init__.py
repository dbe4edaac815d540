"""Public-data resources and their registration, from filing to a unified code, renewal and cancellation.

resource = 公共数据资源 · registration = 登记 · filing = 登记申请
"""
