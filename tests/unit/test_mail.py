"""Mail by a server on loopback: whole, safe, once for an id, and told apart where it is refused."""

from pathlib import Path
from uuid import UUID

import pytest

from citybrain.mail import MailNotSent, MailRefused, MailSenderMissing, SmtpMailer, open_mailer
from citybrain.settings import Settings
from tests.given.mail import mail_server

ONE, OTHER = UUID(int=1), UUID(int=2)
TO, SUBJECT, TEXT = "anna@home.example", "新进展 / News", "案件：已办结。 / It is closed."


async def test_mail_arrives_whole_and_once_for_an_id(tmp_path: Path) -> None:
    async with mail_server(tmp_path) as post:
        mailer = SmtpMailer(Settings(**post.settings()))
        for message_id in (ONE, ONE, OTHER):
            await mailer.send(TO, SUBJECT, TEXT, message_id)
    first, second = post.taken
    assert (first["From"], first["To"], first["Subject"]) == ("news@city.example", TO, SUBJECT)
    assert first["Message-ID"] == f"<{ONE}@city.example>"
    assert second["Message-ID"] == f"<{OTHER}@city.example>"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first.get_content().strip() == TEXT


async def test_what_passes_is_told_from_what_lasts_and_no_error_names_anybody(
    tmp_path: Path,
) -> None:
    async with mail_server(tmp_path) as post:
        mailer = SmtpMailer(Settings(**post.settings()))
        for answer, expected in (
            ("451 later", MailNotSent),
            ("552 full", MailRefused),
            ("250 OK", None),
        ):
            post.answer = f"{answer} {TO}"
            if expected is None:
                await mailer.send(TO, SUBJECT, TEXT, ONE)
                continue
            with pytest.raises(expected) as refused:
                await mailer.send(TO, SUBJECT, TEXT, ONE)
            assert "anna" not in refused.value.message
        for wrong in ("", "anna", "a@b\nBcc: x@y", "Anna <a@b>", "a@b, c@d"):
            with pytest.raises(MailRefused):
                await mailer.send(wrong, SUBJECT, TEXT, OTHER)
        for change in ({"smtp_password": "wrong"}, {"smtp_ca_file": None}):
            other = SmtpMailer(Settings(**post.settings() | change))
            with pytest.raises(MailNotSent):
                await other.send(TO, SUBJECT, TEXT, OTHER)
        away = SmtpMailer(Settings(**post.settings()))
    with pytest.raises(MailNotSent):
        await away.send(TO, SUBJECT, TEXT, OTHER)
    assert len(post.taken) == 1


async def test_no_text_ends_a_mail_or_begins_another_one(tmp_path: Path) -> None:
    """As in SMTP smuggling: a line of one dot, and ends of lines that are none."""
    wrong = "已办结\r\n.\r\nMAIL FROM:<x@evil.example>\r\nRCPT TO:<y@evil.example>\n.\n\r.\rDATA"
    async with mail_server(tmp_path) as post:
        mailer = SmtpMailer(Settings(**post.settings()))
        await mailer.send(TO, SUBJECT, wrong, ONE)
        await mailer.send(TO, SUBJECT, wrong.removeprefix("已办结"), OTHER)
    for taken in post.taken:
        assert (taken["From"], taken["To"], taken["Bcc"]) == ("news@city.example", TO, None)
        assert "DATA" in taken.get_content()
    assert len(post.taken) == 2


async def test_what_is_refused_of_ourselves_is_no_refusal_of_whom_it_is_to(tmp_path: Path) -> None:
    async with mail_server(tmp_path) as post:
        mailer = SmtpMailer(Settings(**post.settings()))
        post.sender_answer = "550 we know no such city"
        with pytest.raises(MailNotSent):
            await mailer.send(TO, SUBJECT, TEXT, ONE)
        post.sender_answer = "250 OK"
        await mailer.send(TO, SUBJECT, TEXT, ONE)
    assert len(post.taken) == 1


async def test_nothing_goes_in_clear_unless_that_is_asked_for(tmp_path: Path) -> None:
    async with mail_server(tmp_path, secure=False) as post:
        with pytest.raises(MailNotSent, match="STARTTLS"):
            await SmtpMailer(Settings(**post.settings())).send(TO, SUBJECT, TEXT, ONE)
    assert post.asked == 0


def test_without_a_server_there_is_no_mail_and_one_without_a_sender_is_refused() -> None:
    assert open_mailer(Settings()) is None
    with pytest.raises(MailSenderMissing):
        open_mailer(Settings(smtp_host="mail.example"))
