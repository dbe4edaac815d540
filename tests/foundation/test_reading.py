"""What others wrote: bounded before it is read, and never read by the event loop."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from datamarket.foundation.documents.plain_yaml import MAX_NODES, NotPlainYaml, read_plain_yaml
from datamarket.foundation.documents.reading import READ_AT_ONCE, read_aside, read_at_most


def test_of_a_file_that_is_too_large_one_byte_too_many_is_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    huge.touch()
    with huge.open("r+b") as file:
        file.truncate(1 << 40)
    assert len(read_at_most(huge, 1000)) == 1001
    (tmp_path / "small").write_bytes(b"abc")
    assert read_at_most(tmp_path / "small", 1000) == b"abc"


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"- a\n" * MAX_NODES, MAX_NODES, "more than"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 2, "aliases are not used"),
        (b"- &a [x]\n- *a\n- [*a, *b]\n", 2, "aliases are not used"),
        (b"- a\n- " + b"[" * 400_000, 2, "nested too deeply"),
    ],
)
def test_yaml_is_left_at_the_first_entry_that_is_too_many_too_deep_or_another(
    content: bytes, line: int, said: str
) -> None:
    with pytest.raises(NotPlainYaml, match=said) as refused:
        read_plain_yaml(content)
    assert refused.value.line == line


async def test_files_of_requests_are_read_in_threads_of_which_there_are_few() -> None:
    busy: list[int] = []
    most = 0

    def read() -> str:
        nonlocal most
        busy.append(1)
        most = max(most, len(busy))
        time.sleep(0.05)
        busy.pop()
        return threading.current_thread().name

    names = await asyncio.gather(*(read_aside(read) for _ in range(4 * READ_AT_ONCE)))
    assert threading.current_thread().name not in names
    assert most == READ_AT_ONCE
