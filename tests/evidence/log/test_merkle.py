"""The tree of RFC 6962 on its own published vectors, and checkpoints as notes."""

import hashlib
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from datamarket.evidence.log.merkle import EMPTY_ROOT, Frontier, leaf_hash
from datamarket.evidence.log.notes import Checkpoint, Notary, NoteReader, NoteUntrusted, load_key
from tests.world.sealing import tool

LEAVES = [bytes.fromhex(text) for text in
          ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""Of the first n leaves, as the Certificate Transparency project publishes them."""
CHECKPOINT = Checkpoint(
    "datamarket/370200", 7, hashlib.sha256(b"root").digest(), hashlib.sha256(b"block").digest()
)


@pytest.fixture
def notary() -> Notary:
    return Notary("datamarket/370200", Ed25519PrivateKey.generate())


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_roots_are_those_that_everyone_computes(size: int) -> None:
    tree = Frontier()
    tree.extend([leaf_hash(content) for content in LEAVES[:size]])
    assert tree.root().hex() == ROOTS[size]


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_what_the_notary_signs_its_key_opens(notary: Notary) -> None:
    assert NoteReader.of_line(notary.reader.line).open(notary.sign(CHECKPOINT)) == CHECKPOINT


def test_a_note_of_which_one_character_is_another_is_not_opened(notary: Notary) -> None:
    note, verifier = notary.sign(CHECKPOINT), tool().Key(notary.reader.line)
    assert verifier.open(note)
    for place, sign in enumerate(note):
        for other in {"A", chr(ord(sign) + 1)} - {sign}:  # the next one may stand for the same bytes
            with pytest.raises(NoteUntrusted):
                notary.reader.open(note[:place] + other + note[place + 1 :])
            assert verifier.open(note[:place] + other + note[place + 1 :]) is None
    for faulty in ("", note + "\n", note[:-1], "\n" + note, note.replace("\n\n", "\nmore\n\n")):
        with pytest.raises(NoteUntrusted):
            notary.reader.open(faulty)


def test_another_key_of_the_same_name_does_not_open_it(notary: Notary) -> None:
    other = Notary(notary.origin, Ed25519PrivateKey.generate())
    with pytest.raises(NoteUntrusted):
        other.reader.open(notary.sign(CHECKPOINT))


@pytest.mark.parametrize("line", ["", "name", "datamarket/370200+00000000+AQ==", "a+b+c"])
def test_what_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(NoteUntrusted):
        NoteReader.of_line(line)


def test_the_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "var" / "sealing-key.pem"
    first = load_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first.public_key() == load_key(path).public_key()
    assert [file.name for file in path.parent.iterdir()] == ["sealing-key.pem"]
