"""Scheme files: what loads, and which line is named when one does not."""

import json
from datetime import date

import jsonschema
import pytest

from datamarket.foundation.money import percent
from datamarket.subsidy.scheme.document import Scheme, json_schema
from datamarket.subsidy.scheme.files import (
    NoSuchScheme,
    SchemeInvalid,
    load_scheme,
    shipped_scheme,
    shipped_schemes,
)
from tests.cases.builders import city_scheme, edited_bytes, scheme_bytes, shapes_scheme

GAPS = ["交易额", "结算", "含税", "平台", "法人", "并列", "名额", "退款", "舍入", "上限", "两项"]


def refusal_of(content: bytes) -> SchemeInvalid:
    """The error that this file is refused with."""
    with pytest.raises(SchemeInvalid) as refused:
        load_scheme(content)
    assert refused.value.code == "subsidy.scheme-invalid"
    return refused.value


def line_with(content: bytes, text: str) -> int:
    """The line on which a text stands."""
    return content.decode()[: content.decode().index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"30%"', "0.3", "quoted"),
        ('"30%"', "30", "not a rate"),
        ('"30%"', '"30 %"', "not a rate"),
        ('"30%"', '"30"', "not a rate"),
        ('"30%"', '"101%"', "not a rate"),
        ('"30%"', ".inf", "quoted"),
        ('"1000000.00"', "1000000.00", "quoted"),
        ('"1000000.00"', "1000000", "not an amount"),
        ('"1000000.00"', '"1,000,000.00"', "not an amount"),
        ('"1000000.00"', '"-1.00"', "not an amount"),
        ("base: verified_investment", "base: turnover", "unknown fact"),
        ("base: verified_investment", "base: net_platform_turnover", "cannot stand here"),
        ("base: verified_investment", "base: contracts", "cannot stand here"),
        ("when: [registered_in_city, ", "when: [registered, ", "unknown or repeated predicate"),
        ("when: [registered_in_city, ", "when: [not_suspended, ", "unknown or repeated predicate"),
        ("by: net_platform_turnover", "by: goodwill", "unknown fact"),
        ("unit: enterprise", "unit: city", "enterprise"),
        ("evidence:", "evidenc:", "unknown key"),
        ("id: top-ten-turnover", "id: typical-case", "duplicate clause id"),
        ("to: null", "to: 2024-01-01", "later than"),
        ("to: null", "to: 2025-02-30", "not a date"),
        ("from: 2024-01-01", "from: yesterday", "not a date"),
        ("top: 10", "top: 0", "greater than"),
        ("top: 10", "top: ten", "dictionary"),
        ("top: 10", "top: yes", "ambiguous"),
        ("top: 10", "top: 010", "ambiguous"),
        ("ties: include_all", "ties: shuffle", "include_all"),
        ("ties: include_all", "ties: [-contracts, first_settled]", "{tiebreak: [-contracts, first_settled]}"),
        ("ties: include_all", "ties: {first: contracts}", "{tiebreak: [-contracts, first_settled]}"),
        ("ties: include_all", "ties: {tiebreak: [-charm]}", "unknown fact"),
        ("ties: include_all", "ties: {tiebreak: [suspended]}", "cannot stand here"),
        ("group: [typical-case,", "group: [typical,", "unknown or repeated clause"),
        ("mode: half_up", "mode: bankers", "half_up"),
        ('to: "0.01"', 'to: "0.00"', "above zero"),
        ("working_days: 5", "working_days: 0", "greater than"),
        ("timezone: Asia/Shanghai", "timezone: Europe/Paris", "Asia/Shanghai"),
        ("source: report", "source: hearsay", "law"),
        ("group: [typical-case, top-ten-turnover]", "group: []", "empty"),
        ("    unit: project", "    unit: project\n    unit: project", "stands twice"),
        ('rate: {2024-01-01: "30%"}', 'rate: {2024-01-01: "30%", 2024-01-01: "31%"}', "stands twice"),
        ('rate: {2024-01-01: "30%"}', "rate: {}", "at least one"),
        ('    rate: {2024-01-01: "30%"}\n', "", "exactly one of rate and tiers"),
        ('cap: {2024-01-01: "1000000.00"}', 'cap: {2024-01-01: "1000000.00"', "expected"),
    ],
)
@pytest.mark.edge(67)
@pytest.mark.edge(68)
def test_a_mistake_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    content = edited_bytes("qd-data-element", (old, new))
    error = refusal_of(content)
    line = error.facts["line"]
    around = content.decode().splitlines()[max(0, line - 9) : line + 1]
    assert said in error.sentence("en")
    assert f"第 {line} 行" in error.sentence("zh")
    assert any(part.strip() in "\n".join(around) for part in new.split("\n")[-1:])


@pytest.mark.edge(22)
def test_a_floor_above_the_cap_is_named_even_when_only_from_a_later_day() -> None:
    floor = '\n    floor: {2024-01-01: "10.00", 2026-01-01: "200000.01"}'
    content = edited_bytes(
        "qd-data-element", ('cap: {2024-01-01: "200000.00"}', f'cap: {{2024-01-01: "200000.00"}}{floor}')
    )
    error = refusal_of(content)
    assert "2026-01-01" in error.sentence("zh")
    assert error.facts["line"] == line_with(content, "floor:")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('1.5%", published', '4%", published', "validators"),
        ('cap: {2025-01-01: "800000.00"', 'cap: {2025-01-01: "1000000.01"', "validators"),
        ('{above: "1000000.00"', '{above: "3000000.00"', "rise"),
        ('above: "0.00"', 'above: "0.01"', "first tier"),
        ('cap: {2025-01-01: "500000.00"}', 'cap: {2025-01-01: "500050.00"}', "multiple"),
        ('recorded_at: "2026-05-21T09:00:00+08:00"', 'recorded_at: "2026-05-21T09:00:00"', "offset"),
        ("when_exceeded: pro_rata", "when_exceeded: lottery", "pro_rata"),
    ],
)
def test_the_richer_shapes_are_checked_too(old: str, new: str, said: str) -> None:
    assert said in refusal_of(edited_bytes("neighbouring-shapes", (old, new))).sentence("en")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# nothing\n",
        b"- a\n- b\n",
        b"just text",
        b"\xff\xfe\x00",
        b"format: \xb7\xbd\xb0\xb8\n",
        b"a: \x00\n",
        b"a: [1, 2\n",
        b"a: {b: 1}}\n",
        b"? [a]\n: 1\n",
        b"a: !!python/object/apply:os.system [ls]\n",
        b"a: !!binary aGk=\n",
        b"a: &x [1]\nb: *x\n",
        b"<<: {a: 1}\n",
        b"a: 1e3\nb: 1.0\n",
        b'a: "\\ud800"\n',
        b"a: 12:30:45\n",
        b"a: 1\n---\nb: 2\n",
        b"a: " + b"[" * 5000,
        b"a: " + b"[" * 60 + b"]" * 60,
        b"x" * (1 << 20) + b"x",
    ],
)
def test_a_damaged_file_is_refused_never_read_in_part(content: bytes) -> None:
    assert refusal_of(content).facts["line"] >= 1


def test_every_mistake_is_listed_and_the_first_is_told() -> None:
    content = edited_bytes(
        "qd-data-element", ('"30%"', '"300%"'), ("top: 10", "top: 0"), ("appeal:", "appel:")
    )
    mistakes = refusal_of(content).facts["mistakes"]
    assert [mistake["line"] for mistake in mistakes] == [
        line_with(content, text) for text in ('"300%"', "top: 0", "appel:")
    ]
    assert all(mistake["zh"] and mistake["en"] for mistake in mistakes)


@pytest.mark.edge(23, part="30% and 0.30 are equal")
def test_thirty_percent_may_be_written_in_two_ways() -> None:
    assert city_scheme(('"30%"', '"0.30"')) == city_scheme()


def test_a_byte_order_mark_and_a_windows_line_end_change_nothing() -> None:
    content = scheme_bytes("qd-data-element")
    assert load_scheme(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")) == city_scheme()


@pytest.mark.parametrize("scheme", [city_scheme(), shapes_scheme()], ids=["shipped", "shapes"])
def test_a_scheme_survives_json_and_fits_its_own_schema(scheme: Scheme) -> None:
    document = json.loads(json.dumps(scheme.to_json()))
    assert Scheme.model_validate(document) == scheme
    jsonschema.validate(document, json_schema())


def test_the_schema_refuses_numbers_for_rates() -> None:
    document = city_scheme().to_json()
    document["clauses"][0]["rate"]["2024-01-01"] = 30
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())


def test_the_shipped_scheme_says_that_its_first_day_and_its_conditions_are_assumed() -> None:
    scheme = load_scheme(shipped_scheme("qd-data-element"))
    assert (scheme.valid.source, scheme.valid.why is not None) == ("assumed", True)
    questions = {item.question.en for item in scheme.interpretations}
    assert {
        "Why must a firm be registered in the city",
        "Why must a firm not be suspended",
        "What is a verified investment, and on what evidence",
        "From which day does the policy apply",
    } <= questions


def test_the_shipped_scheme_invents_no_document_and_explains_every_gap() -> None:
    scheme = load_scheme(shipped_scheme("qd-data-element"))
    assert (scheme.instrument.doc_no, scheme.instrument.issuer, scheme.instrument.published) == (
        None,
        None,
        None,
    )
    assert all(clause.cite.article is None and clause.cite.quote for clause in scheme.clauses)
    questions = [item.question.zh + item.choice.zh for item in scheme.interpretations]
    for gap in GAPS:
        assert any(gap in question for question in questions), gap
    for item in scheme.interpretations:
        assert item.source == "assumed"
        assert all(words.zh != words.en for words in (item.question, item.choice, item.why))


def test_a_dated_value_keeps_both_time_axes() -> None:
    (volume, *_) = shapes_scheme().clauses
    assert volume.rate is not None
    stated = volume.rate.root[date(2026, 7, 1)]
    assert stated.value is not None
    assert (percent(stated.value), stated.published, stated.article) == (
        "1.5%",
        date(2026, 5, 20),
        "第二次修订",
    )


def test_only_shipped_schemes_have_a_name() -> None:
    assert shipped_schemes() == ["qd-data-element"]
    with pytest.raises(NoSuchScheme):
        shipped_scheme("../__init__")
