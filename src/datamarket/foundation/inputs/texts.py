"""Text that people can see: what cannot be seen, or changes how the rest is shown, is refused.

A name that shows nothing, or reads otherwise than it is written, deceives who relies on it (Unicode Technical Report
36, section 2). Zero-width joiners and variation selectors are taken: emoji, rare Chinese characters and several
scripts are written with them. Private use is not: what it shows differs from one machine to the next.
"""

import re

_UNSEEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls but tab and line ends
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0"  # soft hyphen, fillers, marks of direction
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # no width, direction, line ends of their own
    "\ud800-\uf8ff\ufdd0-\ufdef\ufffe\uffff"  # halves of characters, private use, no characters
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # formats and tags
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0xF0000, 0x10000))
    + "\U000f0000-\U0010ffff"  # private use
)
_ANYWHERE = re.compile(f"[{_UNSEEN}]")
_IN_A_LINE = re.compile(f"[\t\n\r{_UNSEEN}]")
_VISIBLE = re.compile("[^\\s\u200c\u200d\u2800\ufe00-\ufe0f\U000e0100-\U000e01ef]")
BYTE_ORDER_MARK = "\ufeff"
Said = tuple[str, str]
"""The same in Chinese and in English, without the end of a sentence."""


class ValueFault(ValueError):
    """What is wrong with one value, in both languages; `code` names it beside those of Pydantic."""

    def __init__(self, zh: str, en: str, *, code: str = "value_error") -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en


def unseen_in(text: str, characters: re.Pattern[str] = _ANYWHERE) -> ValueFault | None:
    """What to say of the first character that is refused; line ends are taken."""
    found = characters.search(text)
    if found is None:
        return None
    name = f"U+{ord(found[0]):04X}"
    zh = f"含有不可见或改变显示方向的字符 {name}"
    return ValueFault(
        zh, f"a character that cannot be seen or changes how text is shown: {name}", code="text_unseen"
    )


def check_prose(text: str) -> str:
    """Text of several lines. Raises ValueFault."""
    return _checked(text, _ANYWHERE)


def check_line(text: str) -> str:
    """Text of one line, such as a name. Raises ValueFault."""
    return _checked(text, _IN_A_LINE)


def check_file(text: str) -> str:
    """A file as text, which may begin with a byte order mark. Raises ValueFault."""
    if fault := unseen_in(text.removeprefix(BYTE_ORDER_MARK)):
        raise fault
    return text


def _checked(text: str, refused: re.Pattern[str]) -> str:
    if fault := unseen_in(text, refused):
        raise fault
    if not _VISIBLE.search(text):
        raise ValueFault("须含有可见字符", "it has no character that can be seen", code="text_blank")
    return text
