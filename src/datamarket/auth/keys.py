"""Private keys in files: PEM, readable by their owner only."""

import os
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def pem_of(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def derived_secret(key: PrivateKeyTypes, purpose: bytes) -> bytes:
    """32 bytes that follow from a private key (HKDF, RFC 5869): the same in every worker and after a restart."""
    return HKDF(hashes.SHA256(), 32, salt=None, info=purpose).derive(pem_of(key))


def read_key(path: Path, *, make: Callable[[], PrivateKeyTypes] | None) -> PrivateKeyTypes:
    """The key of a file; where there is none, the one that `make` makes, from then on everyone's."""
    if make is not None and not path.exists():
        _write(path, pem_of(make()))
    return serialization.load_pem_private_key(path.read_bytes(), password=None)


def _write(path: Path, pem: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    try:
        os.link(draft, path)  # two workers starting at once: the first one's key is everyone's
    except FileExistsError:
        pass
    finally:
        draft.unlink()
