"""Problems over HTTP say what to do, in the language of whoever asks."""

from tests.given.api import Answer, Api

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}


async def register(api: Api, headers: dict[str, str] | None = None, **fields: object) -> Answer:
    body = {"name": "x", "id_number": "4101", "birth_date": "1990-05-01"} | fields
    return await api.call("POST", "/v1/citizens", "clerk", json=body, headers=headers)


async def test_a_clerk_is_told_what_to_do_in_both_languages(api: Api) -> None:
    english, chinese = await register(api), await register(api, CHINESE)
    assert english.json["title"] == "It was not said which document this is"
    assert english.json["next_step"].startswith("Choose the kind of document")
    assert chinese.json["title"] == "未说明证件类型"
    assert chinese.json["code"] == english.json["code"] == "document-kind-missing"
    assert chinese.headers["Content-Language"] == "zh-Hans"


async def test_members_that_are_wrong_are_listed_with_plain_reasons(api: Api) -> None:
    english = await register(api, phone="not a phone", birth_date="1.5.1990")
    chinese = await register(api, CHINESE, phone="not a phone", birth_date="1.5.1990")
    for answer in (english, chinese):
        assert answer.is_problem(422, "invalid-input")
        assert [each["member"] for each in answer.json["errors"]] == ["birth_date", "phone"]
        assert "^" not in answer.body.decode()
        assert "should match" not in answer.body.decode()
    reasons = [each["reason"] for each in english.json["errors"]]
    assert reasons[0] == "a date is written YYYY-MM-DD"
    assert "a phone number is digits" in reasons[1]
    assert chinese.json["errors"][1]["reason"].startswith("电话号码")


async def test_a_kiosk_that_does_not_say_who_applies_is_told_so(api: Api) -> None:
    body = {"service": "social-security-query", "channel": "kiosk"}
    answer = await api.call("POST", "/v1/applications", "kiosk", subject="kiosk-9", json=body)
    assert answer.is_problem(422, "applicant-missing")
    assert "kiosk-9" not in answer.body.decode()


async def test_what_reaches_no_handler_has_words_too(api: Api) -> None:
    for method, path, code in (
        ("GET", "/v1/nowhere", "not-found"),
        ("DELETE", "/v1/applications", "method-not-allowed"),
        ("GET", "/v1/applications", "unauthenticated"),
    ):
        answer = await api.call(method, path, headers=CHINESE)
        assert answer.json["code"] == code
        assert answer.json["title"]
        assert answer.json["next_step"].startswith("请")
