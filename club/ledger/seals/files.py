"""The files of the seals: one a day, written whole or not at all, and never over another one.

A file is the header's text, a line of its length and digest before it, and the leaves behind it,
deflated: some 18 bytes a posting. The folder is meant to be copied to where the database's owner
has no rights.
"""

import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from shutil import copyfileobj
from typing import IO

from django.conf import settings

from club.ledger.seals.headers import Header, parse

SUFFIX = ".seal"
HEADER_BYTES_MAX = 1_000_000  # Thousands of months.
LEAF_BYTES = 24
BLOCK_BYTES = LEAF_BYTES * 8_192
READ_ONLY = 0o444


class Unreadable(Exception):
    """The file is not one that was written here, or not any more."""


def folder() -> Path:
    return Path(settings.SEALS)


def path_of(day: date) -> Path:
    return folder() / f"{day}{SUFFIX}"


def days() -> list[date]:
    """The days that have a file, in their order; what is not named as a day is not a seal."""
    found = []
    for path in folder().glob(f"*{SUFFIX}"):
        with suppress(ValueError):
            found.append(date.fromisoformat(path.name.removesuffix(SUFFIX)))
    return sorted(found)


class Draft:
    """A file on its way: leaves are added as they come, the header when all are there."""

    def __init__(self) -> None:
        folder().mkdir(parents=True, exist_ok=True)
        self.leaves = tempfile.TemporaryFile(dir=folder())  # noqa: SIM115  closed with the draft
        self.deflate = zlib.compressobj(1)

    def add(self, leaves: bytes) -> None:
        self.leaves.write(self.deflate.compress(leaves))

    def keep(self, header: Header) -> None:
        """Gives it its name. What is kept survives a power cut; where the day has a file, that one
        stays."""
        self.leaves.write(self.deflate.flush())
        self.leaves.seek(0)
        handle, name = tempfile.mkstemp(dir=folder(), prefix=f".{header.day}-")
        try:
            with os.fdopen(handle, "wb") as whole:
                text = header.text().encode()
                whole.write(f"{len(text):07} {header.digest.hex()}\n".encode() + text)
                copyfileobj(self.leaves, whole, BLOCK_BYTES)
                whole.flush()
                os.fsync(whole.fileno())
            Path(name).chmod(READ_ONLY)
            if not path_of(header.day).exists():
                Path(name).rename(path_of(header.day))
                _sync_folder()
        finally:
            Path(name).unlink(missing_ok=True)

    def __enter__(self) -> "Draft":
        return self

    def __exit__(self, *_: object) -> None:
        self.leaves.close()


def header(day: date) -> Header | None:
    """What the day's file says; None where there is none. Raises Unreadable."""
    try:
        with path_of(day).open("rb") as file:
            return _header(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error


class Leaves:
    """The leaves of a day's file, taken from its first one on. Raises Unreadable."""

    def __init__(self, day: date) -> None:
        self.blocks = _inflated(path_of(day))
        self.rest = b""

    def take(self, postings: int) -> Iterator[bytes]:
        """So many leaves, in blocks of whole ones."""
        wanted = postings * LEAF_BYTES
        while wanted:
            block = self.rest or next(self.blocks, b"")
            if not block:
                raise Unreadable("its end is missing")
            part = block[: min(len(block), wanted) // LEAF_BYTES * LEAF_BYTES]
            if not part:  # A leaf in two blocks.
                more = next(self.blocks, b"")
                if not more:
                    raise Unreadable("its last leaf is cut off")
                self.rest = block + more
                continue
            self.rest = block[len(part) :]
            wanted -= len(part)
            yield part

    def skip(self, postings: int) -> None:
        for _ in self.take(postings):
            pass

    def is_over(self) -> bool:
        return not self.rest and not next(self.blocks, b"")


def _header(file: IO[bytes]) -> Header:
    try:
        length, digest = file.readline(80).decode("ascii").split()
        if not 0 < int(length) <= HEADER_BYTES_MAX:
            raise ValueError("no header's length")
        found = parse(file.read(int(length)).decode("ascii"))
    except ValueError as error:
        raise Unreadable("it does not begin as a seal does") from error
    if found.digest.hex() != digest:
        raise Unreadable("its digest is not that of its header")
    return found


def _inflated(path: Path) -> Iterator[bytes]:
    inflate = zlib.decompressobj()
    with path.open("rb") as file:
        _header(file)
        try:
            while block := inflate.unconsumed_tail or file.read(BLOCK_BYTES):
                if inflate.eof:
                    raise Unreadable("something stands behind its end")
                if part := inflate.decompress(block, BLOCK_BYTES):
                    yield part
            while part := inflate.decompress(b"", BLOCK_BYTES):
                yield part
        except zlib.error as error:
            raise Unreadable("its leaves cannot be read") from error
    if not inflate.eof:
        raise Unreadable("its end is missing")
    if inflate.unused_data:
        raise Unreadable("something stands behind its end")


def _sync_folder() -> None:
    """The name, too, survives a power cut. Where a folder cannot be synced, the file itself was."""
    with suppress(OSError):
        handle = os.open(folder(), os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
