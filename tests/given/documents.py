"""The documents of the project as text: links, headings, and what stands in them as code."""

import re
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def documents() -> list[Path]:
    """Every page that people read."""
    return sorted(
        {*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("ops/**/*.md")}
    )


def name_of(document: Path) -> str:
    """Its path in the checkout."""
    return str(document.relative_to(CHECKOUT))


def code_in(document: Path) -> Iterator[str]:
    """Lines of code: in blocks, and within a sentence."""
    text = document.read_text()
    for _, block in FENCE.findall(text):
        yield from block.replace("\\\n", " ").splitlines()
    yield from spans_in(document)


def spans_in(document: Path) -> list[str]:
    """Code within sentences."""
    return SPAN.findall(FENCE.sub("", document.read_text()))


def links_in(document: Path) -> Iterator[str]:
    """Links to files and headings of ours."""
    for one, other in LINK.findall(FENCE.sub("", document.read_text())):
        link = one or other
        if not re.match(r"[a-z]+:", link):
            yield link


def anchors_in(document: Path) -> set[str]:
    """What a link may name behind `#`, as GitHub makes it of headings."""
    headings = HEADING.findall(FENCE.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
