"""Files of others under their SHA-256, below a folder of the installation: written whole or not at all, never changed."""

import hashlib
import os
import tempfile
from pathlib import Path

from datamarket.foundation.documents.reading import read_at_most
from datamarket.foundation.errors import Conflict


class FileLost(Conflict):
    code = "file.lost"
    zh = "存储中没有摘要为“{sha256}”的文件，或其内容已被改动；请从备份恢复。"
    en = "The store has no file of the digest '{sha256}', or it is not what it was; restore it from the backup."


def keep(folder: Path, content: bytes) -> str:
    """Its digest, under which it now lies; what lies there already is the same. Raises OSError."""
    sha256 = hashlib.sha256(content).hexdigest()
    target = _place(folder, sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(target)
    return sha256


def read_kept(folder: Path, sha256: str, size: int) -> bytes:
    """Raises FileLost unless it has this digest still."""
    try:
        content = read_at_most(_place(folder, sha256), size)
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FileLost(sha256=sha256)
    return content


def _place(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256
