"""YAML without its surprises: no floats, no anchors, no duplicate keys, and a line for everything.

Accepted: mappings with text keys, lists, text, whole numbers, true/false and null. A date stays the
text it was written as. The line of each value is kept, so that a later check can name it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from datamarket.foundation.inputs.texts import unseen_in

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_NODES = 20_000
"""Some twenty times those of the largest file that ships; a parser in Python reads them in seconds."""
KeyPath = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)
_TRUTHS = {"true": True, "false": False}


class NotPlainYaml(ValueError):
    """The text cannot be taken at its word; `line` counts from one."""

    def __init__(self, line: int, zh: str, en: str) -> None:
        super().__init__(f"line {line}: {en}")
        self.line = line
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class Document:
    """The values, and the line on which each path begins."""

    value: Any
    lines: Mapping[KeyPath, int]

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of the deepest part of `path` that the file really has."""
        found: KeyPath = ()
        for part in path:
            if (*found, part) in self.lines:
                found = (*found, part)
        return self.lines[found]


def read_plain_yaml(content: bytes) -> Document:
    """Raises NotPlainYaml, naming the line, for anything a reader could take in two ways."""
    if len(content) > MAX_BYTES:
        raise NotPlainYaml(1, "文件超过 1 MiB", "the file is larger than 1 MiB")
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=_Loader)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotPlainYaml(line, "文件不是 UTF-8 编码", "the file is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "syntax error"
        raise NotPlainYaml(mark.line + 1 if mark else 1, "YAML 语法错误", problem) from None
    except yaml.reader.ReaderError as error:
        line = content.decode("utf-8-sig").count("\n", 0, error.position) + 1
        raise NotPlainYaml(line, "含有不允许的字符", "a character that YAML does not allow") from None
    if root is None:
        raise NotPlainYaml(1, "文件为空", "the file is empty")
    reader = _Reader()
    return Document(reader.read(root, ()), reader.lines)


class _Loader(yaml.SafeLoader):
    """Stops at the first node that is one too many, too deep, or stands for another."""

    nodes = depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise NotPlainYaml(line, f"超过 {MAX_NODES} 项", f"more than {MAX_NODES} entries")
        if self.check_event(yaml.AliasEvent):
            raise NotPlainYaml(line, "不使用锚点和引用", "anchors and aliases are not used")
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

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        raise NotPlainYaml(line, f"不使用标签 {node.tag}", f"the tag {node.tag} is not used")

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = _key(key_node)
            if key in mapping:
                raise NotPlainYaml(line, f"键“{key}”重复", f"the key '{key}' stands twice")
            self.lines[*path, key] = line
            mapping[key] = self.read(value_node, (*path, key))
        return mapping


def _key(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode) and node.tag in (f"{_TAG}str", f"{_TAG}timestamp"):
        return str(_scalar(node))
    line = node.start_mark.line + 1
    raise NotPlainYaml(line, "键必须是文字或日期", "a key must be text or a date")


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
        raise NotPlainYaml(line, zh, en)
    raise NotPlainYaml(line, f"“{text}”有歧义，请加引号", f"'{text}' is ambiguous; quote it")


def _text(text: str, line: int) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotPlainYaml(line, "含有不完整的字符", "half of a character") from None
    if fault := unseen_in(text):
        raise NotPlainYaml(line, fault.zh, fault.en)
    return text
