"""Keys as they are compared: written otherwise they are the same, and what says nothing is none.

Letters and digits count, and what a slash separates. Width, case, accents, blanks, hyphens, dots
and brackets do not, nor does the script of digits, nor a letter of another alphabet that looks the
same.
"""

import unicodedata
from typing import Any

SAYS_NOTHING = {"NONE", "NULL", "NIL", "NAN", "UNDEFINED", "UNKNOWN", "NA", "TBD", "TRUE", "FALSE"}
SAYS_NOTHING |= {
    "无",
    "無",
    "空",
    "缺",
    "不详",
    "不詳",
    "不明",
    "未知",
    "暂无",
    "暫無",
    "没有",
    "沒有",
}
SAYS_NOTHING |= {"暂缺", "暫缺", "待定", "待补", "待補", "未登记", "未登記", "无号", "無號"}
NUMBERS_NOBODY = "0X"
UNSEEN = "\u115f\u1160"  # letters that nobody sees
STROKES = "\u0640\u30fc"  # letters that are typed in place of a hyphen
SLASHES = "\\\u2044\u2215\u29f5\u29f8\u3033\u3035"
CYRILLIC, GREEK = "АВЕЅІЈКМНОРСТУХ", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
ALIKE = str.maketrans(
    dict.fromkeys(UNSEEN + STROKES)
    | dict.fromkeys(SLASHES, "/")
    | dict(zip(CYRILLIC, "ABESIJKMHOPCTYX", strict=True))
    | dict(zip(GREEK, "ABEZHIKMNOPTYX", strict=True))
)


def canonical(key: Any) -> str | None:
    """A key as it is compared; None where it says nothing."""
    if isinstance(key, bool) or not isinstance(key, str | int) or key == -1:
        return None
    folded = unicodedata.normalize("NFKD", str(key)).upper().translate(ALIKE)
    said = unicodedata.normalize("NFKC", "".join(map(_compared, folded)))
    parts = [part for part in said.split("/") if part]
    letters = "".join(parts)
    nothing = letters in SAYS_NOTHING or not letters.strip(NUMBERS_NOBODY)
    return None if nothing else "/".join(parts)


def _compared(character: str) -> str:
    """What of it is compared: letters, digits of every script as ours, and slashes."""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return character if character.isalnum() or character == "/" else ""
