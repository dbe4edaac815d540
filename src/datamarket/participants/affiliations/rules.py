"""What recording a control, or its end, is refused for. Pure."""

from datamarket.foundation.errors import Conflict, Refused


class SelfControl(Refused):
    code = "affiliation.self-control"
    zh = "主体不能控制自身。"
    en = "Nobody controls itself."


class PairAffiliated(Conflict):
    code = "affiliation.overlap"
    zh = "该控制关系在所填期间内已有记录。"
    en = "This control is recorded already for some day of the period."


class ControlCircle(Conflict):
    code = "affiliation.circle"
    zh = "该控制关系会在某日形成循环控制。"
    en = "On some day control would run in a circle."


class AffiliationEnded(Conflict):
    code = "affiliation.ended"
    zh = "该控制关系已于 {to_on} 终止（不含当日）。"
    en = "This control has ended already; its first day without control is {to_on}."
