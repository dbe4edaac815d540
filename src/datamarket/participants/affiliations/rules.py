"""Who may control whom, pure."""

from datamarket.foundation.errors import Refused


class SelfControl(Refused):
    code = "affiliation.self-control"
    zh = "主体不能控制自身。"
    en = "Nobody controls itself."
