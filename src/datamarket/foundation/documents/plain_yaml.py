"""YAML without its surprises: no floats, no anchors, no duplicate keys, and a line for everything.

Accepted: mappings with text keys, lists, text, whole numbers, true/false and null. A date stays the
text it was written as. The line of each value is kept, so that a later check can name it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from datamarket.foundation.inputs.texts import Said, unseen_in

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 20_000
"""Some twenty times those of the largest file that ships; a parser in Python reads them in seconds."""
KeyPath = tuple[str | int, ...]

_ASIDE = re.compile(r"\"[^\"]*\"|'[^']*'|(^|\s)#.*")
"""What stands in quotes or behind a # is as its author wants it."""
_SLIPS: tuple[tuple[re.Pattern[str], Said, Said], ...] = tuple(
    (re.compile(pattern), problem, mend)
    for pattern, problem, mend in (
        (r"\t", ("用了制表符", "a tab"), ("请改用空格缩进", "indent with spaces")),
        (
            r"^\s*(?:- )?[\w-]+(：)",
            ("用了全角冒号", "a full-width colon"),
            ("请改为半角冒号加一个空格", "write ': ' instead"),
        ),
        (
            r"[:\[{,]\s*([“”‘’｛［（【])",
            ("用了全角引号或括号", "a full-width quote or bracket"),
            ("请改为半角引号或括号", "write it in half width"),
        ),
        (
            r"^\s*(?:- )?[\w-]+:[^\s:]",
            ("冒号后缺少空格", "no space after the colon"),
            ("请在冒号后加一个空格", "put a space after the colon"),
        ),
    )
)
"""What people type when the parser says something else; looked for in the line it names and the one before."""
_PROBLEMS: tuple[tuple[str, Said, Said], ...] = (
    (
        "expected ':'",
        ("这一行缺少冒号", "a line without its colon"),
        ("请写成“键: 值”", "write it as 'key: value'"),
    ),
    (
        "mapping values",
        ("这里不能再有冒号，多半是缩进不对", "no key can stand here: the indentation is wrong"),
        (
            "请与同级的键左对齐；文字中有冒号时加引号",
            "align it with its neighbours; quote a text with a colon",
        ),
    ),
    (
        "<block end>",
        ("缩进与同级的键不一致", "the indentation differs from that of its neighbours"),
        ("请与同级的键左对齐", "align it with its neighbours"),
    ),
    (
        "or '",
        (
            "括号或引号没有闭合，或缺少逗号",
            "a bracket or quote that is not closed, or a comma that is missing",
        ),
        ("请补上括号、引号或逗号", "add what is missing"),
    ),
    (
        "single document",
        ("文件中有两份文档", "two documents in one file"),
        ("请只保留一份", "keep one of them"),
    ),
    (
        "while scanning a quoted",
        ("引号没有闭合", "a quote that is not closed"),
        ("请补上引号", "add the closing quote"),
    ),
    (
        "end of stream",
        ("引号没有闭合", "a quote that is not closed"),
        ("请补上引号", "add the closing quote"),
    ),
    (
        "cannot start any token",
        ("有一个符号不能放在这里", "a character that cannot begin a value"),
        ("请把整段文字加上引号", "put the text in quotes"),
    ),
)
_WITHOUT = ("请删去，直接写内容", "delete it and write the value itself")
_COMPARE = ("请对照随产品发布的文件改正", "compare it with the file that ships")
_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)
_TRUTHS = {"true": True, "false": False}


class NotPlainYaml(ValueError):
    """The text cannot be taken at its word, and how to mend it; `line` and `column` count from one."""

    def __init__(self, line: int, zh: str, en: str, mend: Said = _COMPARE, *, column: int = 1) -> None:
        super().__init__(f"line {line}: {en}")
        self.line, self.column = line, column
        self.zh, self.en, self.mend = zh, en, mend


@dataclass(frozen=True, slots=True)
class Document:
    """The values, and the line on which each path begins."""

    value: Any
    lines: Mapping[KeyPath, int]
    columns: Mapping[KeyPath, int] = field(default_factory=dict)

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of the deepest part of `path` that the file really has."""
        return self.lines[self._deepest(path)]

    def column_of(self, path: Sequence[str | int]) -> int:
        """Where in that line it begins."""
        return self.columns.get(self._deepest(path), 1)

    def _deepest(self, path: Sequence[str | int]) -> KeyPath:
        found: KeyPath = ()
        for part in path:
            if (*found, part) in self.lines:
                found = (*found, part)
        return found


def read_plain_yaml(content: bytes) -> Document:
    """Raises NotPlainYaml, naming the line, for anything a reader could take in two ways."""
    if len(content) > MAX_BYTES:
        raise NotPlainYaml(1, "文件超过 1 MiB", "the file is larger than 1 MiB", ("请拆分", "split it"))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        mend = ("请另存为 UTF-8", "save it as UTF-8")
        raise NotPlainYaml(line, "文件不是 UTF-8 编码", "the file is not UTF-8", mend) from None
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _told(text, error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        mend = ("请删去该字符", "delete it")
        raise NotPlainYaml(line, "含有不允许的字符", "a character that YAML does not allow", mend) from None
    if root is None:
        raise NotPlainYaml(
            1, "文件为空", "the file is empty", ("请从随产品发布的文件开始", "begin with a file that ships")
        )
    reader = _Reader()
    return Document(reader.read(root, ()), reader.lines, reader.columns)


def _told(text: str, error: yaml.MarkedYAMLError) -> NotPlainYaml:
    """What a person typed, where the parser names what it wanted instead."""
    mark = error.problem_mark or error.context_mark
    at, column = (mark.line, mark.column + 1) if mark else (0, 1)
    lines = text.splitlines()
    for number in (at, at - 1):
        line = (
            _ASIDE.sub(lambda aside: " " * len(aside[0]), lines[number]) if 0 <= number < len(lines) else ""
        )
        for pattern, (zh, en), mend in _SLIPS:
            if found := pattern.search(line):
                return NotPlainYaml(number + 1, zh, en, mend, column=found.start(found.lastindex or 0) + 1)
    told = f"{error.context} {error.problem}"
    for words, (zh, en), mend in _PROBLEMS:
        if words in told:
            return NotPlainYaml(at + 1, zh, f"{en} ({error.problem})", mend, column=column)
    return NotPlainYaml(at + 1, "YAML 语法错误", error.problem or "syntax error", column=column)


class _Loader(yaml.SafeLoader):
    """Stops at the first node that is one too many, too deep, or stands for another."""

    nodes = depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise NotPlainYaml(line, f"超过 {MAX_NODES} 项", f"more than {MAX_NODES} entries")
        if self.check_event(yaml.AliasEvent):
            raise NotPlainYaml(
                line,
                "不使用锚点和引用",
                "anchors and aliases are not used",
                ("请把内容写全", "write it in full"),
            )
        if self.depth > MAX_DEPTH:
            raise NotPlainYaml(line, "嵌套过深", "nested too deeply")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Reader:
    """Walks the nodes once, noting lines."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.columns: dict[KeyPath, int] = {}

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self._place(path, node)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        raise NotPlainYaml(line, f"不使用标签 {node.tag}", f"the tag {node.tag} is not used", _WITHOUT)

    def _place(self, path: KeyPath, node: yaml.Node) -> None:
        self.lines.setdefault(path, node.start_mark.line + 1)
        self.columns.setdefault(path, node.start_mark.column + 1)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = _key(key_node)
            if key in mapping:
                mend = ("请只保留一个；同一日期只能有一个值", "keep one of them; a day has one value")
                raise NotPlainYaml(
                    line,
                    f"键“{key}”重复",
                    f"the key '{key}' stands twice",
                    mend,
                    column=key_node.start_mark.column + 1,
                )
            self._place((*path, key), key_node)
            mapping[key] = self.read(value_node, (*path, key))
        return mapping


def _key(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode) and node.tag in (f"{_TAG}str", f"{_TAG}timestamp"):
        return str(_scalar(node))
    line = node.start_mark.line + 1
    raise NotPlainYaml(line, "键必须是文字或日期", "a key must be text or a date", _WITHOUT)


def _scalar(node: yaml.ScalarNode) -> Any:
    text, line, kind = str(node.value), node.start_mark.line + 1, node.tag.removeprefix(_TAG)
    if kind in ("str", "timestamp"):
        return _text(text, line)
    if kind == "null" and text in ("", "~", "null"):
        return None
    if kind == "bool" and text in _TRUTHS:
        return _TRUTHS[text]
    if kind == "int" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "float":
        zh = f'小数 {text} 必须加引号写成文字，例如 "30%" 或 "1000000.00"'
        en = f'the decimal {text} must be quoted text, such as "30%" or "1000000.00"'
        mend = (
            f'请写作 "{text}"，比例加 %，金额两位小数',
            "quote it; a rate has a %, an amount two decimals",
        )
        raise NotPlainYaml(line, zh, en, mend, column=node.start_mark.column + 1)
    if not node.tag.startswith(_TAG):
        raise NotPlainYaml(line, f"不使用标签 {node.tag}", f"the tag {node.tag} is not used", _WITHOUT)
    mend = (
        f'请写作 "{text}"，或改为 true、false、不带前导零的整数',
        "quote it, or write true, false or a plain integer",
    )
    zh, en = f"“{text}”有歧义，请加引号", f"'{text}' is ambiguous; quote it"
    raise NotPlainYaml(line, zh, en, mend, column=node.start_mark.column + 1)


def _text(text: str, line: int) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotPlainYaml(line, "含有不完整的字符", "half of a character") from None
    if fault := unseen_in(text):
        raise NotPlainYaml(line, fault.zh, fault.en, ("请删去该字符", "delete it"))
    return text
