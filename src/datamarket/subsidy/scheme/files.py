"""A scheme file is read whole or refused with the place of its first mistake and its mend; all are listed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from pydantic import ValidationError

from datamarket.foundation.documents import plain_yaml
from datamarket.foundation.errors import Invalid, NotFound
from datamarket.foundation.inputs.texts import Said
from datamarket.subsidy.scheme.document import Scheme, json_schema

_REPLACE = ("请用其中之一", "use one of them")
_COMPARE = ("请对照随产品发布的方案文件改正", "compare it with the scheme that ships")
_INDENT = ("请检查缩进，键写在它下一层", "check the indentation: its keys stand one level below")
_TYPES: Mapping[str, tuple[str, Said]] = {
    "extra_forbidden": ("未知的键", _COMPARE),
    "missing": ("缺少必填的键", ("请补上此键；不知道的写 null", "add it; null says that it is not known")),
    "literal_error": ("只能是 {expected}", _REPLACE),
    "enum": ("只能是 {expected}", _REPLACE),
    "greater_than_equal": ("不能小于 {ge}", ("请改为不小于 {ge} 的整数", "write {ge} or more")),
    "less_than_equal": ("不能大于 {le}", ("请改为不大于 {le} 的整数", "write {le} or less")),
    "int_type": (
        "必须是整数",
        ("请写不加引号的整数，例如 10", "write a whole number without quotes, such as 10"),
    ),
    "string_type": ("必须是文字", ("请写成文字，必要时加引号", "write text, in quotes where needed")),
    "string_pattern_mismatch": (
        "编号只能用小写字母、数字和连字符",
        (
            "请写作例如 top-ten-turnover，编号之间用半角逗号",
            "use small letters, digits and hyphens, such as top-ten-turnover",
        ),
    ),
    "string_too_short": ("不能为空", ("请填写文字", "write something")),
    "string_too_long": ("文字过长，最多 {max_length} 字", ("请缩短", "shorten it")),
    "dict_type": ("必须是带键的表", _INDENT),
    "model_type": ("必须是带键的表", _INDENT),
    "tuple_type": (
        "必须是列表",
        ("请写作 [甲, 乙]，或每项一行以“- ”开头", "write [a, b], or a line for each, led by '- '"),
    ),
}
_EN = {
    "extra_forbidden": "unknown key",
    "missing": "a required key is missing",
    "string_pattern_mismatch": "an id has small letters, digits and hyphens only",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with a scheme, where, and how to mend it."""

    line: int
    column: int
    where: str
    zh: str
    en: str
    mend_zh: str
    mend_en: str


class SchemeInvalid(Invalid):
    code = "subsidy.scheme-invalid"
    zh = "方案文件第 {line} 行第 {column} 列有误（{where}）：{problem_zh}；{mend_zh}。"
    en = "The scheme file is wrong at line {line} column {column} ({where}): {problem_en}; {mend_en}."

    @classmethod
    def of(cls, mistakes: Sequence[Mistake]) -> "SchemeInvalid":
        """The first mistake in the sentence, all of them among the facts."""
        first = asdict(mistakes[0])
        told = {"problem_zh": first.pop("zh"), "problem_en": first.pop("en")}
        return cls(**first, **told, mistakes=[asdict(mistake) for mistake in mistakes])


class NoSuchScheme(NotFound):
    code = "subsidy.scheme-unknown"
    zh = "没有随产品发布的方案“{scheme}”。"
    en = "No scheme '{scheme}' is shipped."


def load_scheme(content: bytes) -> Scheme:
    """The scheme in a file's bytes. Raises SchemeInvalid."""
    try:
        document = plain_yaml.read_plain_yaml(content)
    except plain_yaml.NotPlainYaml as error:
        raise SchemeInvalid.of(
            [Mistake(error.line, error.column, "-", error.zh, error.en, *error.mend)]
        ) from None
    try:
        return Scheme.model_validate(document.value)
    except ValidationError as error:
        raise SchemeInvalid.of(mistakes_of(error, document)) from None


def mistakes_of(error: ValidationError, document: plain_yaml.Document) -> list[Mistake]:
    """Each error of the model as a sentence in both languages, with its line; what is missing comes last.

    A key that is missing is most often there under another name or in another place, which is then told first.
    """
    mistakes = []
    found = error.errors(include_url=False, include_input=False)
    for detail in sorted(found, key=lambda detail: detail["type"] == "missing"):
        facts: Mapping[str, Any] = detail.get("ctx", {})
        path, kind = (*detail["loc"], *facts.get("at", ())), detail["type"]
        named, mend = _TYPES.get(kind, ("值无效", _COMPARE))
        mend = facts.get("mend") or mend
        if kind == "extra_forbidden":
            mend = _key_meant(str(path[-1]))
        mistakes.append(
            Mistake(
                document.line_of(path),
                document.column_of(path),
                ".".join(map(str, path)) or "-",
                str(facts.get("zh") or named.format(**facts)),
                _EN.get(kind, detail["msg"]),
                *(words.format(**facts) if kind in _TYPES else words for words in mend),
            )
        )
    return mistakes


def _key_meant(key: str) -> Said:
    """The mend for a key that is not known here: what was typed into it, or the known one that comes nearest."""
    for mark in ("：", ":"):
        if mark in key:
            return "请在键后写半角冒号和一个空格", "write ': ' after the key"
    if key in _keys():
        return "这个键不能放在这里，请检查缩进", "this key stands elsewhere: check the indentation"
    near = get_close_matches(key, _keys(), 1)
    return (
        (f"是否为 {near[0]}？请改名或删去", f"is it {near[0]}? rename it or leave it out")
        if near
        else _COMPARE
    )


@cache
def _keys() -> frozenset[str]:
    """Every key that a scheme may have somewhere."""
    schema = json_schema()
    return frozenset(
        key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", ())
    )


@lru_cache(maxsize=16)
def read_scheme(content: bytes) -> Scheme:
    """A scheme is frozen, and its bytes never change: reading it once is enough."""
    return load_scheme(content)


def shipped_schemes() -> list[str]:
    """The ids of the schemes that the package itself carries."""
    folder = resources.files("datamarket.subsidy.scheme") / "shipped"
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def shipped_scheme(scheme_id: str) -> bytes:
    """The file of a shipped scheme, byte for byte. Raises NoSuchScheme."""
    if scheme_id not in shipped_schemes():
        raise NoSuchScheme(scheme=scheme_id)
    return (resources.files("datamarket.subsidy.scheme") / "shipped" / f"{scheme_id}.yaml").read_bytes()
