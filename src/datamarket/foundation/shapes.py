"""What is answered: a row as its shape shows it, or what a key has kept."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Self

import orjson
from fastapi import Response

from datamarket.foundation.errors import MarketError
from datamarket.foundation.http import ItemT, Shape, tag
from datamarket.foundation.idempotency import Answer
from datamarket.foundation.states import Labelled


class RowShape(Shape):
    """A response that shows a row: its own facts, and beside `state` its labels, `state_zh` and `state_en`.

    A field whose column has another name says so by `validation_alias`.
    """

    @classmethod
    def of(cls, row: Any, **derived: Any) -> Self:
        """`derived` is what follows from the row, and stands in no column."""
        columns = {name: str(field.validation_alias or name) for name, field in cls.model_fields.items()}
        shown = {
            column: derived[name] if name in derived else getattr(row, column)
            for name, column in columns.items()
            if name in derived or hasattr(row, column)
        }
        for name, word in cls.labelled().items():
            shown[f"{name}_zh"], shown[f"{name}_en"] = word(shown[name]).labels
        return cls.model_validate(shown, from_attributes=True)

    @classmethod
    def tagged(cls, row: Any, response: Response, **derived: Any) -> Self:
        """The same, with the row's version as the answer's ETag."""
        tag(response, row.version)
        return cls.of(row, **derived)

    @classmethod
    @functools.cache
    def labelled(cls) -> dict[str, type[Labelled]]:
        """The fields whose word is also shown in Chinese and English."""
        return {
            name: field.annotation
            for name, field in cls.model_fields.items()
            if isinstance(field.annotation, type)
            and issubclass(field.annotation, Labelled)
            and f"{name}_zh" in cls.model_fields
        }


def attached(content: bytes, media: str, name: str, **headers: str) -> Response:
    """A file that a browser keeps under this name."""
    kept = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media, headers=kept | headers)


def batch_answer(
    outcomes: Sequence[ItemT | MarketError], done: str, render: Callable[[ItemT], bytes], *, atomic: bool
) -> Response:
    """Outcomes in the order of the items, what was done under its name; with `atomic` the first refusal is raised."""
    items: list[bytes] = []
    refused = 0
    recorded = b'{"outcome":"recorded","%b":' % done.encode()
    for number, outcome in enumerate(outcomes):
        if not isinstance(outcome, MarketError):
            items.append(b'%b%b,"code":null,"zh":null,"en":null}' % (recorded, render(outcome)))
        elif atomic:
            outcome.pointer = f"/body/items/{number}"
            raise outcome
        else:
            items.append(orjson.dumps({"outcome": "refused", done: None, **outcome.told()}))
            refused += 1
    counted = b'{"recorded":%d,"refused":%d,"items":[' % (len(items) - refused, refused)
    return Response(b"%b%b]}" % (counted, b",".join(items)), media_type="application/json")


def answered(answer: Answer) -> Response:
    """A stored answer as a response, which says when it was stored before."""
    headers = {"ETag": answer.etag} if answer.etag else {}
    if answer.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(answer.body, answer.status, headers, "application/json")
