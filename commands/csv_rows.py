"""Reads a CSV file row by row without losing one: each with its line, its bytes and its fields.

A row that cannot be read is given with the reason, and costs none of its neighbours: an
unclosed quotation mark ends with its line. RFC 4180, UTF-8 with or without a byte order mark;
fields apart by commas, semicolons or tabs. Names of columns fit in any case, with blanks or
underscores.
"""

import csv
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from citybrain.errors import InvalidInput

LINE_LIMIT = 1 << 20  # bytes
DELIMITERS = (",", ";", "\t")
QUOTED_LINES_LIMIT = 100  # lines that one quoted field may span


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in the file: `raw` without its line end; `problem` where unreadable.

    `line` counts from 1, the header's; `end` is the offset of the byte behind the row.
    """

    line: int
    end: int
    raw: bytes
    fields: dict[str, str]
    problem: str | None = None


class _Unclosed(Exception):
    """A quotation mark is not closed yet."""


class _Unreadable(Exception):
    """The text is not a row; the message says why."""


class CsvRows:
    """The rows of an open file. `header` is its first line, `columns` are the names in it.

    `wanted` columns are called so whatever the file calls them: in another case, or one of the
    names that `also` has for them. Raises `InvalidInput` where a `required` one is not there.
    """

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        required: Collection[str],
        *,
        wanted: Collection[str] = (),
        also: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._file = file
        self._line = 0
        self._end = 0
        self._ahead: deque[tuple[int, int, bytes]] = deque()
        first = self._next_line()
        self.header = _stripped(first[2] if first else b"").removeprefix(b"\xef\xbb\xbf")
        ours = {_plain(column): column for column in (*wanted, *required)}
        for column, others in (also or {}).items():
            ours.update({_plain(other): column for other in others})
        found: list[tuple[list[str], str]] = []
        for delimiter in DELIMITERS:
            with suppress(_Unclosed, _Unreadable):
                found.append((_split(self.header, delimiter), delimiter))
        if not found:
            raise InvalidInput(f"{name} is not a CSV file in UTF-8")
        columns, self._delimiter = max(
            found, key=lambda each: sum(_plain(column) in ours for column in each[0])
        )
        self.columns = [ours.get(_plain(column), column) for column in columns]
        missing = sorted(set(required).difference(self.columns))
        if missing:
            raise InvalidInput(f"{name} has no column {', '.join(missing)}")
        twice = {column for column in required if self.columns.count(column) > 1}
        if twice:
            raise InvalidInput(f"{name} has the column {', '.join(sorted(twice))} twice")

    def __iter__(self) -> Iterator[Row]:
        """The rows behind the header; empty lines are none."""
        while (first := self._next_line()) is not None:
            if _stripped(first[2]):
                yield self._row(first)

    def _row(self, first: tuple[int, int, bytes]) -> Row:
        lines = [first]
        raw = _stripped(first[2])
        while True:
            try:
                return Row(first[0], lines[-1][1], raw, self._fields(raw))
            except _Unclosed:
                following = self._next_line() if len(lines) < QUOTED_LINES_LIMIT else None
                if following is None:
                    return self._unreadable(lines, "a quotation mark is not closed")
                lines.append(following)
                raw = _stripped(b"".join(line for _, _, line in lines))
            except _Unreadable as error:
                return self._unreadable(lines, str(error))

    def _unreadable(self, lines: list[tuple[int, int, bytes]], problem: str) -> Row:
        """The first line alone is the bad row; what was read behind it is read again."""
        if len(lines) > 1:
            problem = "a quotation mark is not closed"
        self._ahead.extendleft(reversed(lines[1:]))
        line, end, raw = lines[0]
        return Row(line, end, _stripped(raw), {}, problem)

    def _fields(self, raw: bytes) -> dict[str, str]:
        values = _split(raw, self._delimiter)
        if len(values) != len(self.columns):
            raise _Unreadable(f"it has {len(values)} columns, the header {len(self.columns)}")
        return dict(zip(self.columns, values, strict=True))

    def _next_line(self) -> tuple[int, int, bytes] | None:
        if self._ahead:
            return self._ahead.popleft()
        line = self._file.readline(LINE_LIMIT)
        if not line:
            return None
        self._line += 1
        self._end += len(line)
        piece = line
        while len(piece) == LINE_LIMIT and not piece.endswith(b"\n"):
            piece = self._file.readline(LINE_LIMIT)  # only its beginning is kept
            self._end += len(piece)
        return self._line, self._end, line


def open_rows(path: Path) -> BinaryIO:
    """The file to read rows from; raises `InvalidInput` where it cannot be opened."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def _plain(column: str) -> str:
    """The name of a column without what exports differ in."""
    return " ".join(column.replace("_", " ").split()).casefold()


def _split(raw: bytes, delimiter: str) -> list[str]:
    if len(raw) >= LINE_LIMIT:
        raise _Unreadable(f"it is longer than {LINE_LIMIT} bytes")
    if b"\0" in raw:
        raise _Unreadable("it holds a zero byte")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _Unreadable("it is not UTF-8") from None
    try:
        found = list(csv.reader([text], strict=True, delimiter=delimiter))
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise _Unclosed from None
        raise _Unreadable(f"it is not CSV: {error}") from None
    return found[0] if found else []


def _stripped(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")
