"""Checkpoints as signed notes (C2SP): origin, size, root, and one line that binds the block; Ed25519.

The verifier's key is one line of text, name+key id+key: whoever holds it checks a checkpoint without us.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from datamarket.auth.keys import read_key

ED25519 = b"\x01"
DASH = "\N{EM DASH}"


class NoteUntrusted(Exception):
    """The text is no note, or the key has not signed it."""


@dataclass(frozen=True)
class Checkpoint:
    """What is signed: how many leaves, under which root, sealed by which block (`block` is the hash of its row)."""

    origin: str
    size: int
    root: bytes
    block: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\nblock {_base64(self.block)}\n"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


class Notary:
    """Signs checkpoints of one log, and what else its market states, with one key."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        self.origin = origin
        self._key = key
        self.reader = NoteReader(origin, key.public_key())

    def sign(self, checkpoint: Checkpoint) -> str:
        return self.stamp(checkpoint.text())

    def stamp(self, text: str) -> str:
        """A text with the line that signs it; one that is no checkpoint must not begin like one."""
        stamp = _base64(self.reader.key_id + self._key.sign(text.encode()))
        return f"{text}\n{DASH} {self.origin} {stamp}\n"

    def sign_message(self, content: bytes) -> bytes:
        """The bare signature of what is no note: it begins with an id, and a note with the origin."""
        return self._key.sign(content)


class NoteReader:
    """Opens notes that one key has signed."""

    def __init__(self, origin: str, key: Ed25519PublicKey) -> None:
        self.origin = origin
        self._key = key
        self._raw = ED25519 + key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.key_id = hashlib.sha256(origin.encode() + b"\n" + self._raw).digest()[:4]

    @property
    def line(self) -> str:
        """The key as others take it."""
        return f"{self.origin}+{self.key_id.hex()}+{_base64(self._raw)}"

    @classmethod
    def of_line(cls, line: str) -> "NoteReader":
        """The reader for a key as `line` writes it. Raises NoteUntrusted for anything else."""
        origin, _, rest = line.strip().partition("+")
        try:
            raw = base64.b64decode(rest.partition("+")[2], validate=True)
            reader = cls(origin, Ed25519PublicKey.from_public_bytes(raw[1:]))
        except ValueError:
            raise NoteUntrusted from None
        if reader.line != line.strip():
            raise NoteUntrusted
        return reader

    def text_of(self, note: str) -> str:
        """What this key has signed, written in the one way. Raises NoteUntrusted."""
        text, _, stamp = note.partition("\n\n")
        start = f"{DASH} {self.origin} "
        try:
            signed = base64.b64decode(stamp.removeprefix(start).removesuffix("\n"), validate=True)
            self._key.verify(signed[4:], f"{text}\n".encode())
        except (ValueError, InvalidSignature):
            raise NoteUntrusted from None
        if signed[:4] != self.key_id or stamp != f"{start}{_base64(signed)}\n":
            raise NoteUntrusted
        return text

    def open(self, note: str) -> Checkpoint:
        """Raises NoteUntrusted."""
        text, gap, stamps = note.partition("\n\n")
        lines = text.split("\n")
        if not gap or len(lines) != 4 or not lines[3].startswith("block "):
            raise NoteUntrusted
        try:
            size, root = int(lines[1]), base64.b64decode(lines[2], validate=True)
            block = base64.b64decode(lines[3].removeprefix("block "), validate=True)
            [stamp] = [line for line in stamps.split("\n") if line.startswith(f"{DASH} {self.origin} ")]
            signed = base64.b64decode(stamp.rpartition(" ")[2], validate=True)
            if signed[:4] != self.key_id:
                raise NoteUntrusted
            self._key.verify(signed[4:], f"{text}\n".encode())
        except (ValueError, binascii.Error, InvalidSignature):
            raise NoteUntrusted from None
        checkpoint = Checkpoint(lines[0], size, root, block)
        if (
            lines[0] != self.origin
            or note != f"{checkpoint.text()}\n{DASH} {self.origin} {_base64(signed)}\n"
        ):
            raise NoteUntrusted
        return checkpoint


def load_key(path: Path) -> Ed25519PrivateKey:
    """The sealing key from its file; without one, a new key, readable by its owner only."""
    key = read_key(path, make=Ed25519PrivateKey.generate)
    if not isinstance(key, Ed25519PrivateKey):
        message = f"{path} holds no Ed25519 private key"
        raise TypeError(message)
    return key
