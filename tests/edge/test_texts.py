"""Text that nobody sees, or that shows the rest otherwise than it is written, is refused wherever it is taken."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from datamarket.foundation.documents.plain_yaml import NotPlainYaml, read_plain_yaml
from datamarket.foundation.http import Body
from datamarket.foundation.spreadsheets.rows import Unreadable
from datamarket.payouts.files import FileInvalid, read_statement
from datamarket.simulation.city import SeedFaulty, rows_of
from datamarket.subsidy.facts.sheets import read_sheets
from tests.architecture.test_errors import every_error
from tests.conftest import ClientFor
from tests.world.participants import unique_uscc
from tests.world.people import AUTHORITY

REFUSED = [
    *(
        "\x00",
        "\x07",
        "\x1b",
        "\x7f",
        "\x85",
        "\xad",
        "\u034f",
        "\u061c",
        "\u115f",
        "\u200b",
        "\u200e",
        "\u200f",
    ),
    *("\u2028", "\u202a", "\u202e", "\u2060", "\u2066", "\u2069", "\u3164", "\ufeff", "\ufff9", "\ue000"),
    *("\ufdd0", "\uffff", "\U0001d173", "\U0001fffe", "\U000e0041", "\U000e007f", "\U000f0000", "\U0010ffff"),
]
TAKEN = [
    "青岛 Qingdao",
    "👩\u200d🔬",
    "می\u200cخواهم",
    "辻\U000e0100",
    "☂\ufe0f",
    "﨑",
    "𠮷",
    "'; --",
    "e\u0301",
]
ELSEWHERE = {"password", "old", "new", "uscc", "seller_uscc", "division", "industry", "margin", "document"}
"""A password is never shown; a proof is verified as it is, octet by octet; the others are codes and a rate, whose characters are judged one by one."""


def body(**names: str) -> dict[str, str]:
    return {
        "uscc": unique_uscc(),
        "name_zh": "甲",
        "name_en": "A",
        "kind": "enterprise",
        "income_class": "enterprise",
        "division": "370212",
        "industry": "6431",
    } | names


async def test_a_name_is_refused_for_a_character_that_nobody_sees(client_for: ClientFor) -> None:
    authority = client_for(AUTHORITY)
    for character in [*REFUSED, "\t", "\n"]:
        answer = await authority.post("/participants", json=body(name_zh=f"甲{character}乙"))
        [fault] = answer.json()["errors"]
        assert (answer.status_code, fault["code"]) == (422, "text_unseen"), ascii(character)
        assert fault["pointer"] == "/body/name_zh"
        assert f"U+{ord(character):04X}" in fault["message"]


async def test_a_name_has_a_character_that_can_be_seen(client_for: ClientFor) -> None:
    authority = client_for(AUTHORITY)
    for name in ("\u200d", "\u200c \u2800", "\ufe0f"):
        [fault] = (await authority.post("/participants", json=body(name_en=name))).json()["errors"]
        assert fault["code"] == "text_blank", ascii(name)
    headers = {"Content-Type": "application/json"}
    half = await authority.post("/participants", content=b'{"name_zh": "\\ud800"}', headers=headers)
    assert half.json()["code"] == "request.unreadable"


async def test_text_that_is_only_rare_is_taken_as_it_is(client_for: ClientFor) -> None:
    for text in TAKEN:
        answer = await client_for(AUTHORITY).post("/participants", json=body(name_zh=text))
        assert (answer.status_code, answer.json().get("name_zh")) == (201, text)


def texts() -> Iterator[tuple[str, Any]]:
    """Each field of each body, as it stands in the shape."""
    every_error()  # loads every module
    shapes = [Body]
    for shape in shapes:
        shapes += shape.__subclasses__()
        for name, field in shape.model_fields.items():
            yield f"{shape.__name__}.{name}", Annotated[field.annotation, "", *field.metadata]


def test_no_field_of_any_body_takes_what_nobody_sees() -> None:
    taking, asked = set(), 0
    for name, kind in texts():
        for given in ("abcdefghijkl\u202emn", ["abcdefghijkl\u202emn"]):
            asked += 1
            try:
                TypeAdapter(kind).validate_python(given)
            except ValidationError:
                continue
            taking.add(name.partition(".")[2])
    assert asked > 200
    assert taking == ELSEWHERE


def test_prose_has_lines_and_a_name_has_one() -> None:
    fields = dict(texts())
    prose, name = TypeAdapter(fields["ZoneEventIn.reason"]), TypeAdapter(fields["ZoneIn.name_zh"])
    assert prose.validate_python("first\nsecond\tthird") == "first\nsecond\tthird"
    with pytest.raises(ValidationError, match=r"U\+000A"):
        name.validate_python("first\nsecond")


def test_files_are_read_by_the_same_rule(tmp_path: Path) -> None:
    bank = (
        "record,value_on,reference,amount,text\nopening,2024-06-03,,0.00,\n"
        "line,2024-06-03,PO1,1.00,{}\nclosing,2024-06-03,,1.00,\n"
    )
    assert read_statement(bank.format("ok")).lines[0].text == "ok"
    with pytest.raises(FileInvalid) as wrong:
        read_statement(bank.format("o\u202ek"))
    assert (wrong.value.facts["line"], "U+202E" in wrong.value.sentence("zh")) == (3, True)
    for content in ("a: b\u202ec", 'a: "b\\u202ec"'):
        with pytest.raises(NotPlainYaml, match=r"U\+202E"):
            read_plain_yaml(content.encode())
    (tmp_path / "participants.csv").write_text("code,name\nA,b\u200bc\n", encoding="utf-8")
    with pytest.raises(SeedFaulty, match=r"U\+200B"):
        rows_of(tmp_path, "participants.csv")
    [(_, (code, cell))] = read_sheets(tmp_path, ["participants"])["participants"].rows
    assert (code, isinstance(cell, Unreadable)) == ("A", True)
