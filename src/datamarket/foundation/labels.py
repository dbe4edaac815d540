"""What a word is called in Chinese and in English: the label stands on the member itself."""

from enum import StrEnum
from typing import Self


class Labelled(StrEnum):
    """A closed set of words, each written `NAME = "value", "中文", "English"`."""

    zh: str
    en: str

    def __new__(cls, value: str, zh: str = "", en: str = "") -> Self:
        word = str.__new__(cls, value)
        word._value_ = value
        word.zh, word.en = zh, en
        return word

    @property
    def labels(self) -> tuple[str, str]:
        """Chinese first, then English."""
        return self.zh, self.en

    def named(self) -> dict[str, str]:
        """The labels as a shape shows those of a kind."""
        return {"label_zh": self.zh, "label_en": self.en}
