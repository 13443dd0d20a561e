"""The features of a GeoJSON file (RFC 7946), each with the line where it begins."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from citybrain.errors import InvalidInput

BLANK = " \t\n\r"


def read_features(path: Path) -> Iterator[tuple[int, Any]]:
    """The members of `features` of a FeatureCollection; raises `InvalidInput` with the line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8") from error
    yield from _Document(path, text).features()


class _Document:
    """A text of which the outermost object is read member by member."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        self._at = 0
        self._counted = 0, 1  # a place in the text, and its line
        self._decoder = json.JSONDecoder(parse_constant=_no_number)

    def features(self) -> Iterator[tuple[int, Any]]:
        found = False
        for name in self._members("{", "}"):
            if name == "features":
                found = True
                for _ in self._members("[", "]"):
                    line = self._line()
                    yield line, self._value()
            elif (value := self._value()) != "FeatureCollection" and name == "type":
                raise self._wrong(f"this is a {value!r}, not a FeatureCollection")
        if not found:
            raise self._wrong("there are no features")
        self._blank()
        if self._at != len(self._text):
            raise self._wrong("something follows behind the end")

    def _members(self, begins: str, ends: str) -> Iterator[str]:
        """Stands before each value of an object, whose name it gives, or of a list."""
        self._sign(begins)
        if self._next() == ends:
            self._sign(ends)
            return
        while True:
            name = ""
            if begins == "{":
                name = self._value()
                if not isinstance(name, str):
                    raise self._wrong("a name is a text")
                self._sign(":")
            self._blank()
            yield name
            if self._next() == ends:
                self._sign(ends)
                return
            self._sign(",")

    def _value(self) -> Any:
        self._blank()
        try:
            value, self._at = self._decoder.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            self._at = error.pos
            raise self._wrong(f"this is not JSON: {error.msg}") from error
        except (RecursionError, ValueError, InvalidInput) as error:
            raise self._wrong("this is not JSON that can be read") from error
        return value

    def _sign(self, sign: str) -> None:
        if self._next() != sign:
            raise self._wrong(f"this is not JSON: {sign!r} is expected")
        self._at += 1

    def _next(self) -> str:
        self._blank()
        return self._text[self._at : self._at + 1]

    def _blank(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in BLANK:
            self._at += 1

    def _line(self) -> int:
        at, line = self._counted
        self._counted = self._at, line + self._text.count("\n", at, self._at)
        return self._counted[1]

    def _wrong(self, reason: str) -> InvalidInput:
        return InvalidInput(f"{self._path}:{self._line()}: {reason}")


def _no_number(text: str) -> NoReturn:
    raise InvalidInput(f"{text} is no number of JSON")
