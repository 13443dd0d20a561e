"""What problems say to people: complete in both languages, and never a pattern or a value."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from uuid import uuid4

import orjson
import pytest
import yaml
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import citybrain
import commands
import projections
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.domain.applications.going_on import StepFailed, StepOverdue
from citybrain.errors import CitybrainError
from citybrain.http import problem_texts as texts_of_problems
from citybrain.http.problem_texts import (
    CHINESE,
    ENGLISH,
    language_of,
    problem_texts,
    reason_of,
    validation_texts,
)
from citybrain.http.problems import STATUS, invalid, problem, problem_of
from citybrain.http.telemetry import CODES
from citybrain.http.texts import joined
from commands.citizens.citizen import RegisterCitizen
from commands.citizens.proving import SetPasscode
from commands.citizens.records import SettleCorrection
from commands.handling import Command, KeyInFlight, StaleVersion
from commands.inspection.case import ReportCase

TEXTS = sorted(texts_of_problems.HERE.glob("*/problem_texts.yaml"))
HAN = re.compile(r"[\u4e00-\u9fff]")
TRADITIONAL = re.compile("[證錄號碼務員這個為時時處請後無據應將錯誤確認類別檔現門關]")


def errors() -> Iterator[type[CitybrainError]]:
    """Every error of ours."""
    for package in (citybrain, commands, projections):
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                import_module(found.name)
    kinds = [CitybrainError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith(("citybrain.", "commands.", "projections.")):
            yield kind


def codes() -> Iterator[str]:
    """The codes of every error of ours, and those of requests that reach no handler."""
    yield from (kind.code for kind in errors())
    yield from CODES.values()
    yield "http-error"


def body(answer: web.Response) -> dict[str, object]:
    assert isinstance(answer.body, bytes)
    found: dict[str, object] = orjson.loads(answer.body)
    return found


def test_every_code_has_a_title_and_a_next_step_in_both_languages() -> None:
    texts = problem_texts()
    assert sorted(set(codes()) - set(texts)) == []
    for code, said in texts.items():
        assert set(said) == {ENGLISH, CHINESE}, code
        for language in said:
            assert set(said[language]) == {"title", "next_step"}, code
            assert all(said[language].values()), code
        for text in said[CHINESE].values():
            assert HAN.search(text), code
            assert not TRADITIONAL.search(text), (code, text)
        assert not any(HAN.search(text) for text in said[ENGLISH].values()), code


def test_no_text_is_of_a_code_that_is_gone() -> None:
    assert sorted(set(problem_texts()) - set(codes())) == []


def test_a_code_has_its_texts_in_one_room_and_means_one_thing() -> None:
    rooms = Counter(code for path in TEXTS for code in yaml.safe_load(path.read_text("utf-8")))
    assert [code for code, times in rooms.items() if times > 1] == []


def test_what_a_command_refuses_is_never_called_a_fault_of_ours() -> None:
    floors = ("commands.", "citybrain.domain.")
    known = tuple(kind for kind, _ in STATUS)
    raised = {kind for kind in errors() if kind.__module__.startswith(floors)}
    assert {kind for kind in raised if not issubclass(kind, known)} == {StepFailed, StepOverdue}


def test_every_reason_of_a_validation_is_said_in_both_languages() -> None:
    for kind, said in validation_texts().items():
        assert set(said) == {ENGLISH, CHINESE}, kind
        assert HAN.search(said[CHINESE]), kind
        assert set(re.findall("{.*?}", said[ENGLISH])) == set(re.findall("{.*?}", said[CHINESE]))


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", ENGLISH),
        ("zh-CN", CHINESE),
        ("zh-Hans-CN, en;q=0.5", CHINESE),
        ("ZH", CHINESE),
        ("en-GB, zh;q=0.9", ENGLISH),
        ("fr, zh;q=0.2", CHINESE),
        ("fr-FR", ENGLISH),
        ("*", ENGLISH),
        ("zh;q=0", ENGLISH),
        ("zh;q=nonsense", ENGLISH),
        ("en;q=0.1, zh;q=0.2", CHINESE),
    ],
)
def test_the_language_is_the_one_that_was_asked_for(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


@given(st.text())
def test_any_header_has_a_language(accepted: str) -> None:
    assert language_of(accepted) in (ENGLISH, CHINESE)


def test_a_problem_says_what_to_do_in_the_language_of_the_caller() -> None:
    error = StaleVersion("the stream is at another version")
    english, chinese = (problem_of(error, uuid4(), language) for language in (ENGLISH, CHINESE))
    assert body(english)["title"] == "Somebody else was faster"
    assert body(chinese)["title"] == "记录已被他人更新"
    assert body(english)["next_step"] != body(chinese)["next_step"]
    assert body(english)["detail"] == body(chinese)["detail"]
    assert chinese.headers["Content-Language"] == "zh-Hans"
    assert chinese.headers["Vary"] == "Accept-Language"


def test_a_key_in_flight_is_to_be_sent_again_in_a_second() -> None:
    told = problem_of(KeyInFlight("wait"), uuid4())
    assert (told.status, told.headers["Retry-After"]) == (409, "1")
    assert "Retry-After" not in problem_of(StaleVersion("look again"), uuid4()).headers


def test_a_code_without_texts_has_the_phrase_of_its_status() -> None:
    answer = body(problem(409, "of-a-new-system", "x", correlation_id=uuid4(), language=CHINESE))
    assert answer["title"] == "Conflict"
    assert "next_step" not in answer


def test_a_validation_names_members_and_gives_plain_reasons() -> None:
    secret = "x" * 33 + "secret"
    said = {"name": "\x01" + secret, "phone": secret, "birth_date": "1990", "surplus": secret}
    with pytest.raises(ValidationError) as failed:
        RegisterCitizen.model_validate(said)
    error = invalid(failed.value, "body")
    for language in (ENGLISH, CHINESE):
        answer = body(problem_of(error, uuid4(), language))
        text = orjson.dumps(answer).decode()
        assert "pattern '" not in text
        assert "^" not in text
        assert secret not in text
        assert "limits" not in text
        errors = answer["errors"]
        assert isinstance(errors, list)
        reasons = {each["member"]: each["reason"] for each in errors}
        assert set(reasons) == {"name", "id_number", "birth_date", "phone", "surplus"}
        assert all(bool(HAN.search(reason)) == (language == CHINESE) for reason in reasons.values())
    assert reasons["phone"] == "电话号码应为数字，国家代码前加 +"


def test_limits_are_written_as_whole_numbers_and_not_as_the_type_of_a_member() -> None:
    said = {
        "source": "camera",
        "class_code": "x",
        "latitude": 90.5,
        "longitude": 0,
        "confidence": 0,
    }
    with pytest.raises(ValidationError) as failed:
        ReportCase.model_validate(said)
    reasons = {
        each["member"]: each["limits"] for each in invalid(failed.value, "body").details["errors"]
    }
    assert reasons == {"latitude": {"le": "90"}, "confidence": {"ge": "1"}}


@pytest.mark.parametrize(
    ("command", "said", "chinese"),
    [
        (RegisterCitizen, {"birth_date": "1990"}, "日期格式为 YYYY-MM-DD"),
        (RegisterCitizen, {"birth_date": 1990}, "日期格式为 YYYY-MM-DD"),
        (SetPasscode, {"passcode": "12"}, "密码为六至十二位数字"),
        (SettleCorrection, {"outcome": "yes"}, "应为以下之一：'confirmed'、'rejected'"),
    ],
)
def test_a_reason_in_chinese_has_no_english_in_it(
    command: type[Command], said: dict[str, object], chinese: str
) -> None:
    with pytest.raises(ValidationError) as failed:
        command.model_validate(said)
    answer = body(problem_of(invalid(failed.value, "body"), uuid4(), CHINESE))
    errors = answer["errors"]
    assert isinstance(errors, list)
    (name,) = said
    assert chinese in [found["reason"] for found in errors if found["member"] == name]


def test_no_command_says_why_in_one_language_only() -> None:
    """`ValueError` in a validator reaches people as it is written; a kind has texts."""
    known = set(validation_texts())
    for path in Path(commands.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "ValueError", path
                if node.func.id == "PydanticCustomError":
                    assert isinstance(node.args[0], ast.Constant), path
                    assert node.args[0].value in known, path


def test_a_kind_of_error_that_nobody_thought_of_has_a_reason() -> None:
    found = {"kind": "of_another_library", "member": "a/0/b", "limits": {}}
    assert reason_of(found) == "this cannot be taken as it is"


def test_headers_that_clients_make_up_do_not_fill_the_memory() -> None:
    for number in range(1000):
        language_of(f"zh;q=0.5, x-{number}")
    assert texts_of_problems._language.cache_info().currsize <= 256
    before = texts_of_problems._language.cache_info().misses
    assert language_of("zh" + " " * 300) == language_of("zh" + " " * 300 + "tail") == CHINESE
    assert texts_of_problems._language.cache_info().misses == before + 1


@pytest.mark.parametrize("depth", [1, 2])
def test_a_code_that_stands_twice_is_refused_in_a_file_and_across_rooms(
    tmp_path: Path, depth: int
) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    code = "a: {en: x}\n" if depth == 1 else "kind:\n  a: {en: x}\n"
    one.write_text(code)
    other.write_text(code)
    assert set(joined([one], depth)) == ({"a"} if depth == 1 else {"kind"})
    with pytest.raises(DefinitionError, match="'a' stands in another room as well"):
        joined([one, other], depth)
    other.write_text(code + ("  a: {en: y}\n" if depth == 2 else "a: {en: y}\n"))
    with pytest.raises(DefinitionError, match=r"other\.yaml:[23]: 'a' stands here twice"):
        joined([other], depth)
