#!/usr/bin/env python3
"""Verifies a market's evidence without the market: needs this file, Python 3.11 and `cryptography`.

    verify_evidence.py bundle BUNDLE --checkpoints DIR --key FILE
    verify_evidence.py proof FILE --key FILE
    verify_evidence.py quote FILE --key FILE
    verify_evidence.py certificate FILE --key FILE
    verify_evidence.py text FILE --signature FILE --proof FILE --key FILE

BUNDLE is what `datamarket export-evidence` writes; FILE an answer of /evidence/proofs or /evidence/consistency, a quote's
note, an answer of /trades/{id}/certificate, or one of /contracts/{id}/text with an item of its /signatures and the proof
of the event that this item names; DIR holds checkpoints kept elsewhere (*.txt), and --key the verifier's key that was
kept with them. Without them a log that was wholly sealed anew, with whatever key, looks sound.

Exit codes: 0 all holds, 1 something is false (the first bad leaf is named), 2 the input cannot be read.
"""

import argparse
import base64
import csv
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, groupby
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

csv.field_size_limit(2**31 - 1)
Row = dict[str, str]


@dataclass
class Report:
    """What is false, as (name, leaf index or None); empty when all holds."""

    leaves: int = 0
    blocks: int = 0
    outside: int = 0
    accepted: int = 0
    root: str = ""
    findings: list[tuple[str, int | None]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.findings

    @property
    def first_bad_leaf(self) -> int | None:
        return min((index for _, index in self.findings if index is not None), default=None)

    def blame(self, name: str, index: int | None = None) -> None:
        self.findings.append((name, index))

    def lines(self) -> list[str]:
        lost = f" ({self.accepted} of them of a loss that two people have accepted)" if self.accepted else ""
        sizes = f"{self.leaves} leaves, {self.blocks} blocks, {self.outside} checkpoints from outside{lost}"
        bad = [] if self.first_bad_leaf is None else [f"first bad leaf: {self.first_bad_leaf}"]
        return [f"{sizes}, root {self.root}", *(f"FALSE: {name}" for name, _ in self.findings[:20]), *bad]


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def packed(*fields: bytes) -> bytes:
    return b"".join(len(one).to_bytes(4, "big") + one for one in fields)


def node(left: bytes, right: bytes) -> bytes:
    return sha(b"\x01" + left + right)


def leaf_of(kind: str, ledger: int, row: UUID, xid: int, digest: bytes) -> bytes:
    written = xid.to_bytes(8, "big", signed=True)
    return sha(b"\0" + packed(kind.encode(), ledger.to_bytes(4, "big"), row.bytes, written, digest))


class Key:
    """One line: name+key id+base64(0x01 and the public key)."""

    def __init__(self, line: str) -> None:
        self.name, self.id, text = line.strip().split("+", 2)
        raw = base64.b64decode(text, validate=True)
        if raw[:1] != b"\x01" or sha(self.name.encode() + b"\n" + raw)[:4].hex() != self.id:
            raise ValueError("not a verifier's key")
        self.public = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, note: str) -> tuple[int, bytes, bytes] | None:
        """Size, root and block hash of a checkpoint that this key has signed; None for any other text."""
        try:
            origin, size, root, block = (self.text(note) or "").split("\n")
            hashes = base64.b64decode(root, validate=True), base64.b64decode(block[6:], validate=True)
            return (int(size), *hashes) if origin == self.name and block.startswith("block ") else None
        except ValueError:
            return None

    def text(self, note: str) -> str | None:
        """What this key has signed; None for any other text."""
        text, _, stamp = note.partition("\n\n")
        start = f"\u2014 {self.name} "
        try:
            signed = base64.b64decode(stamp.removeprefix(start).removesuffix("\n"), validate=True)
            self.public.verify(signed[4:], f"{text}\n".encode())
        except (ValueError, InvalidSignature):
            return None
        written = f"{start}{base64.b64encode(signed).decode()}\n"
        return text if stamp == written and signed[:4].hex() == self.id else None


class Tree:
    """Grows leaf by leaf; keeps one root for each complete subtree on its right edge."""

    def __init__(self) -> None:
        self.size = 0
        self.edge: list[tuple[int, bytes]] = []
        self.nodes: dict[tuple[int, int], bytes] = {}

    def add(self, leaf: bytes) -> None:
        level, top = 0, leaf
        self.size += 1
        while self.edge and self.edge[-1][0] == level:
            top, level = node(self.edge.pop()[1], top), level + 1
            if level % 8 == 0:
                self.nodes[level, (self.size >> level) - 1] = top
        self.edge.append((level, top))

    def root(self) -> bytes:
        tops = [top for _, top in self.edge] or [sha(b"")]
        return reduce(lambda right, left: node(left, right), tops[::-1])


def rows_of(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, strict=True)


Made = dict[tuple[str, UUID], tuple[int, bytes]]
ENTRY = ("period", "id", "kind", "effective_at", "recorded_at", "source_type", "source_id", "reverses",
         "actor_id")  # fmt: skip
BLOCK = ("number", "first_index", "leaves", "size", "root", "previous_root", "epoch", "system_identifier",
         "xid_from", "xid_below", "xid_last", "sealed_at")  # fmt: skip


def rows_by_id(bundle: Path, ledger: int, report: Report) -> Made:
    """The transaction and the leaf that each row makes now; none where the digest beside an entry is another."""
    made: Made = {}
    for kind, row, digest in chain(entries_of(bundle, ledger, report), events_of(bundle)):
        name, xid = (kind, UUID(row["id"])), int(row["xid"])
        twice = name in made or row.get("digest", digest.hex()) != digest.hex()
        made[name] = (xid, b"" if twice else leaf_of(kind, ledger, name[1], xid, digest))
    return made


def entries_of(bundle: Path, ledger: int, report: Report) -> Iterator[tuple[str, Row, bytes]]:
    """Each entry with the digest over it and its legs; legs that are left belong to none."""
    legs = {
        place: ",".join(f"{leg['seq']}:{leg['account_id']}:{leg['amount_fen']}" for leg in group)
        for place, group in groupby(
            rows_of(bundle / "legs.csv"), lambda leg: (leg["period"], leg["entry_id"])
        )
    }
    for entry in rows_of(bundle / "entries.csv"):
        own = legs.pop((entry["period"], entry["id"]), None)
        told = [str(ledger), *(entry[name] for name in ENTRY), *([] if own is None else [own])]
        yield "entry", entry, sha("|".join(told).encode())
    for period, entry_id in legs:
        report.blame(f"legs of {entry_id}, which is no entry of {period}")


def events_of(bundle: Path) -> Iterator[tuple[str, Row, bytes]]:
    for event in rows_of(bundle / "audit_events.csv"):
        yield "audit", event, event_digest(event)


def event_digest(event: Row) -> bytes:
    at = int(event["at"]).to_bytes(8, "big", signed=True)
    names = ("id", "actor_id", "organisation_id")
    ids = [UUID(event[name]).bytes if event[name] else b"" for name in names]
    words = [event[name].encode() for name in ("action", "subject_type")]
    subject, facts = UUID(event["subject_id"]).bytes, event["facts"].encode()
    return sha(packed(ids[0], at, *ids[1:], *words, subject, facts))


def verify(bundle: Path, checkpoints: Path | None = None, key: str | None = None) -> Report:
    """Everything in the bundle, against itself and against checkpoints kept elsewhere.

    Leaf = SHA-256(0x00 | fields), node = SHA-256(0x01 | left | right) (RFC 6962); the fields are kind, ledger, id,
    transaction, digest, each behind its length in four bytes. Checkpoints are C2SP signed notes, Ed25519.
    """
    about = json.loads((bundle / "log.json").read_text(encoding="utf-8"))
    reader = Key(key or (bundle / "key.txt").read_text(encoding="utf-8"))
    report = Report()
    if reader.name != about["origin"]:
        report.blame("the key is of another log")
    blocks = list(rows_of(bundle / "blocks.csv"))
    report.blocks = len(blocks)
    made = rows_by_id(bundle, about["ledger_id"], report)
    roots = grow(bundle, blocks, made, report)
    check_chain(blocks, reader, report)
    if blocks and not about["restored"]:
        below, beyond = int(blocks[-1]["xid_below"]), about["beyond"]
        for (kind, row), (xid, _) in made.items():  # those that have a leaf are gone from here
            if xid < below or xid >= beyond:
                report.blame(f"{kind} {row} lies below the watermark and has no leaf")
    known = accepted(bundle, reader)
    for path in sorted(checkpoints.glob("[0-9]*.txt")) if checkpoints else ():
        report.outside += 1
        told = reader.open(path.read_text(encoding="utf-8"))
        if sha(path.read_bytes()).hex()[:32] in known:
            report.accepted += 1
        elif told is None:
            report.blame(f"{path.name} is not signed by the key")
        elif told[0] > report.leaves:
            report.blame(f"{path.name} has {told[0]} leaves, the log only {report.leaves}", report.leaves)
        elif roots.get(told[0]) != told[1]:
            report.blame(f"{path.name} has another root: history was rewritten")
    return report


def accepted(bundle: Path, reader: Key) -> set[str]:
    """Digests of what told of a loss that two people have accepted: an event of the log says so, and the key has signed it."""
    begun = (row for row in rows_of(bundle / "audit_events.csv") if row["action"] == "evidence.begin-epoch")
    signed = (reader.text(json.loads(row["facts"]).get("note", "")) for row in begun)
    told = [text.partition("\n")[2] for text in signed if text and text.startswith(f"{reader.name} loss\n")]
    return {digest for loss in told for digest in json.loads(loss)["notes"]}


def grow(bundle: Path, blocks: list[Row], made: Made, report: Report) -> dict[int, bytes]:
    """Every leaf against its row, every block and node against the tree; the roots at the blocks' sizes."""
    tree, roots, ahead = Tree(), {0: sha(b"")}, iter(blocks)
    block = next(ahead, None)
    for leaf in rows_of(bundle / "leaves.csv"):
        index, row = int(leaf["index"]), (leaf["kind"], UUID(leaf["id"]))
        if index != tree.size:
            report.blame(f"leaves {tree.size} to {index - 1} are missing", min(index, tree.size))
            break
        if made.pop(row, (0, b""))[1].hex() != leaf["hash"]:
            report.blame(f"leaf {index}: {row[0]} {row[1]} was changed, is gone, or was sealed before", index)
        tree.add(bytes.fromhex(leaf["hash"]))
        if block is not None and tree.size == int(block["size"]):
            roots[tree.size] = root = tree.root()
            edge = " ".join(top.hex() for _, top in tree.edge)
            if (root.hex(), edge) != (block["root"], block["frontier"]):
                report.blame(f"block {block['number']} has not the root of its leaves")
            block = next(ahead, None)
    sealed = int(blocks[-1]["size"]) if blocks else 0
    if tree.size != sealed:
        report.blame(f"{tree.size} leaves, and blocks for {sealed}", min(tree.size, sealed))
    nodes = {(int(one["level"]), int(one["index"])): one["hash"] for one in rows_of(bundle / "nodes.csv")}
    if nodes != {place: top.hex() for place, top in tree.nodes.items()}:
        report.blame("a stored node is not the root of its subtree")
    report.leaves, report.root = tree.size, tree.root().hex()
    return roots


def check_chain(blocks: list[Row], reader: Key, report: Report) -> None:
    """Each block stands on the one before, and its checkpoint signs all that it says."""
    size, root, below, epoch = 0, sha(b"").hex(), 0, 1
    for number, block in enumerate(blocks, 1):
        numbers = {name: int(block[name]) for name in BLOCK if "root" not in name}
        opening = numbers["epoch"] == epoch + 1
        told = (numbers["number"], numbers["first_index"], block["previous_root"], numbers["xid_from"])
        sound = numbers["size"] == size + numbers["leaves"] and (opening or numbers["epoch"] == epoch)
        if told != (number, size, root, 0 if opening else below) or not sound:
            report.blame(f"block {block['number']} does not stand on the one before")
        bound = sha("|".join(block[name] for name in BLOCK).encode())
        if reader.open(block["checkpoint"]) != (numbers["size"], bytes.fromhex(block["root"]), bound):
            report.blame(f"block {block['number']} is not what its checkpoint signs")
        size, root, below, epoch = numbers["size"], block["root"], numbers["xid_below"], numbers["epoch"]


def root_from(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3); None for a path of the wrong length."""
    if size == 1 or not path:
        return leaf if (size, index, path) == (1, 0, []) else None
    half = 1 << (size - 1).bit_length() - 1
    right = index >= half
    inside = (index - half, size - half) if right else (index, half)
    top = root_from(*inside, leaf, path[:-1])
    return top and (node(path[-1], top) if right else node(top, path[-1]))


def grew(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes]) -> bool:
    """Whether the tree of `new` leaves begins with that of `old` (RFC 9162, 2.1.4)."""

    def tops(old: int, new: int, path: list[bytes]) -> tuple[bytes, bytes]:
        if old == new:
            [top] = path
            return top, top
        half = 1 << (new - 1).bit_length() - 1
        if old > half:
            first, second = tops(old - half, new - half, path[:-1])
            return node(path[-1], first), node(path[-1], second)
        first, second = tops(old, half, path[:-1])
        return first, node(second, path[-1])

    try:
        given = (
            path if old & (old - 1) and old < new else [old_root, *path]
        )  # a whole subtree is not told again
        return 0 < old <= new and tops(old, new, given) == (old_root, new_root)
    except (IndexError, ValueError):
        return False


def check_proof(proof: dict[str, Any], key: str) -> bool:
    """An inclusion or consistency proof as the API answers it; its checkpoints must be signed by the key."""
    reader = Key(key)
    path = [base64.b64decode(step, validate=True) for step in proof["path"]]
    if "leaf" not in proof:
        old, new = reader.open(proof["old_checkpoint"]), reader.open(proof["new_checkpoint"])
        return bool(old and new and grew(old[0], new[0], old[1], new[1], path))
    leaf, head = proof["leaf"], reader.open(proof["checkpoint"])
    digest = bytes.fromhex(leaf["digest"])
    hashed = leaf_of(leaf["kind"], leaf["ledger_id"], UUID(leaf["id"]), leaf["xid"], digest)
    return head is not None and root_from(proof["index"], head[0], hashed, path) == head[1]


def check_quote(note: str, key: str) -> bool:
    """A quote's note as the API answers it, signed by the key of its market."""
    reader = Key(key)
    return (reader.text(note) or "").startswith(f"{reader.name} quote\n")


SIGNING = ("contracts.sign", "contracts.amend", "contracts.sign-amendment")


def check_text(text: bytes, signature: dict[str, Any], proof: dict[str, Any], key: str) -> bool:
    """Whether this very text was signed: by an event of its contract that names its SHA-256, and that is in the log."""
    event, leaf = signature["event"], proof["leaf"]
    named = f"\n合同编号：{event['subject_id']}\n".encode()
    return (
        check_proof(proof, key)
        and (leaf["kind"], leaf["id"], leaf["digest"]) == ("audit", event["id"], event_digest(event).hex())
        and event["action"] in SIGNING
        and json.loads(event["facts"])["digest"] == sha(text).hex()
        and event["subject_type"] == "contract"
        and named in text
    )


def check_certificate(told: dict[str, Any], key: str) -> bool:
    """A trade's certificate as the API answers it: what the key has signed is what it says, and its leaf is in the log."""
    reader, proof = Key(key), told["proof"]
    text = reader.text(told["note"] or "") or ""
    head, _, signed = text.partition("\n")
    if head != f"{reader.name} certificate" or proof is None or not check_proof(proof, key):
        return False
    says = {name: told[name] for name in ("number", "trade", "entry_id", "entry_digest")}
    leaf, index = proof["leaf"], proof["index"]
    entry = ("entry", told["entry_id"], told["entry_digest"])
    sealed = told["entry_id"] is None or (leaf["kind"], leaf["id"], leaf["digest"]) == entry
    return sealed and json.loads(signed) == {**says, "leaf": leaf, "index": index}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="verify a market's evidence, offline")
    parser.add_argument("what", choices=["bundle", "proof", "quote", "certificate", "text"])
    parser.add_argument("path", type=Path)
    parser.add_argument("--checkpoints", type=Path)
    parser.add_argument("--key", type=Path)
    parser.add_argument("--signature", type=Path)
    parser.add_argument("--proof", type=Path)
    given = parser.parse_args(arguments)
    try:
        key = given.key.read_text(encoding="utf-8") if given.key else None
        if given.what == "proof":
            holds = check_proof(json.loads(given.path.read_text(encoding="utf-8")), key or "")
            told = ["holds" if holds else "FALSE"]
        elif given.what == "certificate":
            holds = check_certificate(json.loads(given.path.read_text(encoding="utf-8")), key or "")
            told = ["holds" if holds else "FALSE"]
        elif given.what == "quote":
            holds = check_quote(given.path.read_text(encoding="utf-8"), key or "")
            told = ["holds" if holds else "FALSE"]
        elif given.what == "text":
            signature, proof = (
                json.loads(one.read_text(encoding="utf-8")) for one in (given.signature, given.proof)
            )
            holds = check_text(given.path.read_bytes(), signature, proof, key or "")
            told = ["holds" if holds else "FALSE"]
        else:
            report = verify(given.path, given.checkpoints, key)
            holds, told = report.holds, report.lines()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        sys.stderr.write(f"cannot be read: {error!r}\n")
        return 2
    sys.stdout.write("\n".join(told) + "\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
