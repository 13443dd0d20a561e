"""Definitions that are kept beyond their files, for what began under them.

A stream names the version that it began under. Its file may be edited or taken away while the
stream is open, and the stream goes on all the same: under the version as it was kept.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

import orjson
import structlog
from pydantic import ValidationError

if TYPE_CHECKING:
    from citybrain.definitions.loading import Definitions

log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A version of a definition; `content` is JSON that its kind reads again."""

    kind: str
    code: str
    version: str
    content: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it."""
        return self.kind, self.code, self.version

    def read_again(self, read: Callable[[str], T]) -> T | None:
        """What `read` makes of the content; None where this release reads no such version."""
        try:
            return read(self.content)
        except ValidationError:
            log.warning(
                "kept_definition_unread", kind=self.kind, code=self.code, version=self.version
            )
            return None


def written(value: Any) -> str:
    """Plain values as JSON that is the same in each process: sets and keys in order."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=sorted, option=options).decode()


@runtime_checkable
class Keeping(Protocol):
    """A part of the definitions that streams name versions of."""

    KIND: ClassVar[str]

    def kept(self) -> Iterable[Kept]:
        """Each version that a file holds now."""

    def with_gone(self, gone: Iterable[Kept], definitions: "Definitions") -> "Definitions":
        """The definitions, with these versions that no file holds any more.

        One that this release cannot read is left out, and logged.
        """
