"""Files in one archive of which equal contents have equal bytes; others' archives are read within bounds."""

import io
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first instant that a zip can name
_UNIX = 3  # of the systems that a zip can name: not that of the machine that packs


class ArchiveUnreadable(Exception):
    """It is no zip, is damaged, or holds other files, or more of them, than are asked for."""


class UndatedZip(zipfile.ZipFile):
    """A zip for writing whose files say nothing of when, and on what machine, they were put in."""

    def write(self, filename: Any, arcname: Any = None, *_: Any) -> None:
        with Path(filename).open("rb") as file, self.open(_undated(str(arcname or filename)), "w") as target:
            shutil.copyfileobj(file, target)

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any) -> None:
        super().writestr(_undated(str(zinfo_or_arcname)), data)


def _undated(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EARLIEST)
    info.create_system = _UNIX
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def packed_files(files: Mapping[str, bytes]) -> bytes:
    """A zip of the files in this order."""
    content = io.BytesIO()
    with UndatedZip(content, "w") as archive:
        for name, file in files.items():
            archive.writestr(name, file)
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
