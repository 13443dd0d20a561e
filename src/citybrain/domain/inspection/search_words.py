"""The words by which a text is found again, and the one form of a telephone number.

Chinese is written without blanks: two characters that stand side by side are a word here, and a
single one between others is one, too. Everything else is a word of letters and digits.
"""

import re
import unicodedata

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
RUNS = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")
IS_HAN = re.compile(rf"[{HAN}]")
MOST_WORDS = 500
PHONE_DIGITS = 7
COUNTRY = re.compile(r"^(?:00)?86(?=1\d{10}$|0?[2-9]\d{8,10}$)")


def words_of(text: str) -> list[str]:
    """The words of a text, each once, in their order; the first 500."""
    found: dict[str, None] = {}
    for run in RUNS.findall(unicodedata.normalize("NFKC", text).casefold()):
        if not IS_HAN.match(run) or len(run) == 1:
            found[run] = None
        else:
            found.update(dict.fromkeys(run[at : at + 2] for at in range(len(run) - 1)))
        if len(found) >= MOST_WORDS:
            break
    return list(found)[:MOST_WORDS]


def phone_of(said: str) -> str | None:
    """A telephone number by its digits alone, without China's prefix; None where it is none."""
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", said))
    digits = COUNTRY.sub("", digits).lstrip("0")
    return digits if len(digits) >= PHONE_DIGITS else None
