"""What products and listings refuse alike."""

from datamarket.foundation.errors import Forbidden, NotFound


class EventNotYours(Forbidden):
    code = "catalogue.event-not-yours"
    zh = "操作“{event}”不由您的机构或角色办理。"
    en = "The event '{event}' is not for your organisation or role."


class ReferenceUnknown(NotFound):
    code = "catalogue.reference-unknown"
    zh = "所引用的对象不存在。"
    en = "What is referred to is not there."
