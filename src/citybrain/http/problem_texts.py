"""What problems say to people: a title and a next step by code, in English and simplified Chinese.

The texts stand in `problem_texts.yaml` of each system's room, those of validation beside this file.
A code without texts (of a system that has none yet) has the phrase of its HTTP status.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from citybrain.http.texts import joined, read_texts

HERE = Path(__file__).parent
ENGLISH, CHINESE = "en", "zh"
CONTENT_LANGUAGE = {ENGLISH: "en", CHINESE: "zh-Hans"}
LIMITS = ("min_length", "max_length", "ge", "gt", "le", "lt", "expected")
OWN_WORDS = "value_error"
OTHER = "other"
READ_OF_A_HEADER = 200  # characters


@cache
def problem_texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """By code and language `title` and `next_step`."""
    return joined(sorted(HERE.glob("*/problem_texts.yaml")))


@cache
def validation_texts() -> Mapping[str, Mapping[str, str]]:
    """By what is wrong, and by language."""
    return read_texts(HERE / "validation_texts.yaml")


def language_of(accepted: str) -> str:
    """The language of an `Accept-Language` (RFC 9110, 12.5.4): Chinese or English, else English."""
    return _language(accepted[:READ_OF_A_HEADER])


@lru_cache(maxsize=256)
def _language(accepted: str) -> str:
    best, weight = ENGLISH, 0.0
    for part in accepted.lower().split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().partition("-")[0]
        language = ENGLISH if language == "*" else language
        if language in CONTENT_LANGUAGE and (given := _weight(parameter)) > weight:
            best, weight = language, given
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def reason_of(found: Mapping[str, Any], language: str = ENGLISH) -> str:
    """Why a member was not taken, in plain words; `found` is an error of `validation_error`."""
    if found["kind"] == OWN_WORDS and language == ENGLISH:
        return str(found["limits"]["said"])
    texts = validation_texts()
    member = str(found["member"]).rpartition("/")[2]
    for name in (f"{found['kind']}:{member}", found["kind"], OTHER):
        if name in texts:
            return texts[name][language].format(**_in(language, found["limits"]))
    raise KeyError(OTHER)


def _in(language: str, limits: Mapping[str, str]) -> dict[str, str]:
    """Limits as a language writes them: a list of what is possible has no English in it."""
    said = dict(limits)
    if language == CHINESE and "expected" in said:
        said["expected"] = said["expected"].replace("' or '", "'、'").replace("', '", "'、'")
    return said


def validation_error(error: Mapping[str, Any], where: str) -> dict[str, Any]:
    """One error of pydantic: what is wrong with which member, never its value or a pattern."""
    context = error.get("ctx", {})
    limits = {name: _written(context[name]) for name in LIMITS if name in context}
    if error["type"] == OWN_WORDS:
        limits["said"] = error["msg"].removeprefix("Value error, ")
    found = {
        "in": where,
        "member": "/".join(str(part) for part in error["loc"]),
        "kind": error["type"],
        "limits": limits,
    }
    return found | {"reason": reason_of(found)}


def _written(limit: Any) -> str:
    """A limit as people write it: pydantic has whole numbers as 90.0 where others are taken."""
    whole = isinstance(limit, float) and limit.is_integer()
    return str(int(limit) if whole else limit)


def shown(details: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The details of a problem with the reasons of a validation in a language."""
    if not all("limits" in found for found in details.get("errors", ())):
        return dict(details)
    errors = [
        {name: value for name, value in found.items() if name != "limits"}
        | {"reason": reason_of(found, language)}
        for found in details.get("errors", ())
    ]
    return {**details, "errors": errors} if errors else dict(details)
