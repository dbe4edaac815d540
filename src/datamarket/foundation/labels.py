"""What a word is called in Chinese and in English."""

from collections.abc import Iterator, Mapping
from enum import StrEnum


class Labels(Mapping[StrEnum, tuple[str, str]]):
    """Chinese and English of the words of many kinds.

    Words of two kinds that are spelt alike are two words: as keys of a plain dict they would be one, and
    the later label would hide the earlier.
    """

    def __init__(self, *kinds: Mapping[StrEnum, tuple[str, str]]) -> None:
        self._labels = {(type(word), word): label for kind in kinds for word, label in kind.items()}

    def __getitem__(self, word: StrEnum) -> tuple[str, str]:
        return self._labels[type(word), word]

    def __iter__(self) -> Iterator[StrEnum]:
        return (word for _, word in self._labels)

    def __len__(self) -> int:
        return len(self._labels)
