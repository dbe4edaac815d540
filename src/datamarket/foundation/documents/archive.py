"""Files in one archive of which equal contents have equal bytes; others' archives are read within bounds."""

import io
import zipfile
import zlib
from collections.abc import Mapping

EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first instant that a zip can name
_UNIX = 3  # of the systems that a zip can name: not that of the machine that packs
_LEVEL = 6  # of zlib's: said, so that no other default changes the bytes


class ArchiveUnreadable(Exception):
    """It is no zip, is damaged, or holds other files, or more of them, than are asked for."""


def packed_files(files: Mapping[str, bytes]) -> bytes:
    """A zip of the files in this order, without any instant of its making."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in files.items():
            info = zipfile.ZipInfo(name, EARLIEST)
            info.create_system = _UNIX
            archive.writestr(info, file, zipfile.ZIP_DEFLATED, _LEVEL)
    return content.getvalue()


def unpacked_files(content: bytes, names: tuple[str, ...], most: int) -> dict[str, bytes]:
    """Exactly these files, each of at most so many bytes, by name. Raises ArchiveUnreadable with what is wrong."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = archive.namelist()
            if sorted(found) != sorted(names):
                raise ArchiveUnreadable(", ".join(sorted({*found} ^ {*names})) or "two of one name")
            files = {}
            for name in names:
                with archive.open(name) as file:
                    files[name] = file.read(most + 1)
                if len(files[name]) > most:
                    raise ArchiveUnreadable(name)
            return files
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ArchiveUnreadable(str(error)) from error
