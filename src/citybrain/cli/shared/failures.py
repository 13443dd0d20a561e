"""What a command ends with that meets something wrong: a sentence, what to do, and an exit code.

Our own errors say both themselves. Codes beside theirs are those of sysexits.h. What is not listed
here is a mistake of ours, and is shown with its stack.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import ClassVar, Final, NamedTuple

from pydantic import ValidationError
from pydantic_settings import SettingsError

from citybrain.errors import CitybrainError
from citybrain.settings import PREFIX, Settings

USAGE: Final = 2
UNAVAILABLE: Final = 69
IO_ERROR: Final = 74
AGAIN: Final = 75
NOT_SETTINGS: Final = re.compile(rf"{PREFIX}(TEST|BENCH)_\w+|{PREFIX}(STORM|SHARED)")
"""Of the tests and benchmarks."""
FIELD: Final = re.compile(r'field "(\w+)"')
LIST: Final = "`citybrain settings` lists them"


class SettingUnknown(CitybrainError):
    """An environment variable looks like a setting and is none."""

    code = "setting-unknown"
    exit_status: ClassVar[int] = USAGE


class Failure(NamedTuple):
    """What is said, a line each, and how the command ends."""

    lines: tuple[str, ...]
    exit_status: int


def failure_of(error: BaseException) -> Failure | None:
    """What to say of an error; None where it is a mistake of ours."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    match error:
        case CitybrainError():
            return Failure((f"{error.message} ({error.code})",), error.exit_status)
        case ValidationError() if error.title == Settings.__name__:
            return Failure(tuple(_wrong_settings(error)), USAGE)
        case SettingsError():
            name = FIELD.search(str(error))
            which = f"{PREFIX}{name[1].upper()}" if name else "a setting"
            return Failure((f"{which}: it is no JSON",), USAGE)
        case ConnectionError():
            return Failure((f"nobody answers there: {error}",), UNAVAILABLE)
        case TimeoutError():
            return Failure(("it took too long; try again when less is going on",), AGAIN)
        case OSError() if error.strerror:
            where = f"{error.filename}: " if error.filename is not None else ""
            return Failure((f"{where}{error.strerror}",), IO_ERROR)
    return _of_clients(error)


def refuse_unknown(environment: Mapping[str, str]) -> None:
    """Raises `SettingUnknown` where a variable looks like a setting and is none."""
    short = {name.upper() for name in Settings.model_fields}
    known = {PREFIX + name for name in short}
    for name in sorted(environment):
        upper = name.upper()
        if upper.startswith(PREFIX) and upper not in known and not NOT_SETTINGS.fullmatch(upper):
            near = get_close_matches(upper.removeprefix(PREFIX), short, 1)
            meant = f"do you mean {PREFIX}{near[0]}?" if near else LIST
            raise SettingUnknown(f"{name} is no setting: {meant}")


def _wrong_settings(error: ValidationError) -> list[str]:
    return [
        f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    ]


def _of_clients(error: BaseException) -> Failure | None:
    """What the database driver and the HTTP client say, where one of them is loaded."""
    import aiohttp
    import asyncpg

    from citybrain.eventstore.connecting import refusal_of
    from citybrain.faults import AGAIN_LATER

    if isinstance(error, aiohttp.ClientError):
        said = f"the server does not answer as it should ({type(error).__name__})"
        return Failure((said,), UNAVAILABLE)
    if isinstance(error, asyncpg.PostgresError) and (refused := refusal_of(error)) is not None:
        return failure_of(refused)
    if isinstance(error, AGAIN_LATER):
        return Failure((f"PostgreSQL cannot do this now ({type(error).__name__})",), AGAIN)
    return None
