"""A response that shows one row: its columns by name, and its words in both languages."""

from typing import Any, Self

from fastapi import Response

from datamarket.foundation.http import Shape, tag
from datamarket.foundation.labels import Labelled


class RowShape(Shape):
    """Fields are columns of the row; `state_zh` and `state_en` say what its `state` is called."""

    @classmethod
    def of(cls, row: Any, /) -> Self:
        """As the row is now."""
        return cls.model_validate(cls.told_by(row), from_attributes=True)

    @classmethod
    def tagged(cls, row: Any, response: Response) -> Self:
        """The same, with the row's version as the answer's ETag."""
        tag(response, row.version)
        return cls.of(row)

    @classmethod
    def told_by(cls, row: Any) -> dict[str, Any]:
        """What the row itself tells: a field that is neither column nor label is left out."""
        told: dict[str, Any] = {}
        for name in cls.model_fields:
            word, _, language = name.rpartition("_")
            kind = cls.model_fields[word].annotation if word in cls.model_fields else None
            if language in {"zh", "en"} and isinstance(kind, type) and issubclass(kind, Labelled):
                told[name] = getattr(kind(getattr(row, word)), language)
            elif hasattr(row, name):
                told[name] = getattr(row, name)
        return told
