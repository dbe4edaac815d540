"""A scheme file is read whole or refused with the line of its first mistake; all mistakes are listed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from pydantic import ValidationError

from datamarket.foundation.documents import plain_yaml
from datamarket.foundation.errors import Invalid, NotFound
from datamarket.subsidy.scheme.document import Scheme

_ZH = {
    "extra_forbidden": "未知的键",
    "missing": "缺少必填的键",
    "literal_error": "只能是 {expected}",
    "enum": "只能是 {expected}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than_equal": "不能大于 {le}",
    "int_type": "必须是整数",
    "string_type": "必须是文字",
    "string_pattern_mismatch": "格式不符：{pattern}",
    "string_too_short": "不能为空",
    "dict_type": "必须是带键的表",
    "model_type": "必须是带键的表",
    "tuple_type": "必须是列表",
}
_EN = {"extra_forbidden": "unknown key", "missing": "a required key is missing"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with a scheme, and where."""

    line: int
    where: str
    zh: str
    en: str


class SchemeInvalid(Invalid):
    code = "subsidy.scheme-invalid"
    zh = "方案文件第 {line} 行有误（{where}）：{problem_zh}。"
    en = "The scheme file is wrong at line {line} ({where}): {problem_en}."

    @classmethod
    def of(cls, mistakes: Sequence[Mistake]) -> "SchemeInvalid":
        """The first mistake in the sentence, all of them among the facts."""
        first = min(mistakes, key=lambda mistake: mistake.line)
        listed = [asdict(mistake) for mistake in mistakes]
        return cls(
            line=first.line, where=first.where, problem_zh=first.zh, problem_en=first.en, mistakes=listed
        )


class NoSuchScheme(NotFound):
    code = "subsidy.scheme-unknown"
    zh = "没有随产品发布的方案“{scheme}”。"
    en = "No scheme '{scheme}' is shipped."


def load_scheme(content: bytes) -> Scheme:
    """The scheme in a file's bytes. Raises SchemeInvalid."""
    try:
        document = plain_yaml.read_plain_yaml(content)
    except plain_yaml.NotPlainYaml as error:
        raise SchemeInvalid.of([Mistake(error.line, "-", error.zh, error.en)]) from None
    try:
        return Scheme.model_validate(document.value)
    except ValidationError as error:
        raise SchemeInvalid.of(mistakes_of(error, document)) from None


def mistakes_of(error: ValidationError, document: plain_yaml.Document) -> list[Mistake]:
    """Each error of the model as a sentence in both languages, with its line."""
    mistakes = []
    for detail in error.errors(include_url=False, include_input=False):
        facts: Mapping[str, Any] = detail.get("ctx", {})
        path = (*detail["loc"], *facts.get("at", ()))
        en = _EN.get(detail["type"], detail["msg"])
        zh = str(facts.get("zh") or _ZH.get(detail["type"], "值无效").format(**facts))
        where = ".".join(map(str, path)) or "-"
        mistakes.append(Mistake(document.line_of(path), where, zh, en))
    return mistakes


def shipped_schemes() -> list[str]:
    """The ids of the schemes that the package itself carries."""
    folder = resources.files("datamarket.subsidy.scheme") / "shipped"
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def shipped_scheme(scheme_id: str) -> bytes:
    """The file of a shipped scheme, byte for byte. Raises NoSuchScheme."""
    if scheme_id not in shipped_schemes():
        raise NoSuchScheme(scheme=scheme_id)
    return (resources.files("datamarket.subsidy.scheme") / "shipped" / f"{scheme_id}.yaml").read_bytes()
