"""Documents whose shell commands are run as they stand there.

The blocks marked `sh` of a document are one script. A line `# => one … another` says what the
commands since the last such line answer: these texts, in this order.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.given.documents import CHECKOUT

README = CHECKOUT / "README.md"
STORIES = CHECKOUT / "docs" / "stories"
LAST = STORIES / "cameras.md"  # what it simulates lies all over the city

URL = "http://127.0.0.1:8080"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
PROMISE = re.compile(r"^# => (.*)$", re.MULTILINE)
MARK = "--- promised: "


@dataclass(frozen=True)
class Story:
    """A script, and what it promises: for each `# =>` line the texts in it."""

    script: str
    promises: tuple[tuple[str, ...], ...]

    def broken(self, output: str) -> list[str]:
        """The promises that an output does not keep."""
        found = []
        for promise, said in zip(self.promises, output.split(MARK), strict=False):
            at = 0
            for text in promise:
                at = said.find(text, at)
                if at < 0:
                    found.append(f"{text} is not in:\n{said}")
                    break
        return found


def read(document: Path) -> Story:
    """The story of a document."""
    script = "\n".join(BLOCK.findall(document.read_text()))
    promises = PROMISE.findall(script)
    return Story(
        PROMISE.sub(f"echo '{MARK}'", script),
        tuple(tuple(text.strip() for text in promise.split("…")) for promise in promises),
    )


def documents() -> list[Path]:
    """All documents that tell a story, in the order in which they are run on one server."""
    found = {README, *CHECKOUT.glob("docs/*.md"), *STORIES.glob("*.md")}
    told = sorted(document for document in found if BLOCK.search(document.read_text()))
    return sorted(told, key=lambda document: document == LAST)


def environment(url: str, server: dict[str, str], *programs: Path) -> dict[str, str]:
    """What a script runs in: beside a server, with these programs and this interpreter's."""
    path = ":".join(map(str, (*programs, Path(sys.executable).parent, server["PATH"])))
    return server | {"API": url, "PATH": path}
