"""Mail to people, through the city's own mail server (SMTP, RFC 5321).

Each message has an id that follows from what it is about and is its Message-ID: whoever is cut
short and sends it again sends the same one. No error says to whom something was to go.
"""

import asyncio
import smtplib
import ssl
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.errors import HeaderParseError, MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from typing import ClassVar, Final, Protocol
from uuid import UUID

from citybrain.errors import CitybrainError, Unavailable
from citybrain.settings import Settings

TIMEOUT_SECONDS = 10.0
REMEMBERED: Final = 10_000
AT_ONCE: Final = 8
OF_US: Final = (
    smtplib.SMTPConnectError,
    smtplib.SMTPHeloError,
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPSenderRefused,
)
"""What is refused before anybody was named who it is to go to: it says nothing of them."""


class MailSenderMissing(CitybrainError):
    """There is a mail server, and nobody whom mail is from."""

    code = "mail-sender-missing"
    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


class MailNotSent(Unavailable):
    """The mail server does not take it now: it is away, busy, or does not let us in."""

    code = "mail-not-sent"


class MailRefused(CitybrainError):
    """There is no such address, or nothing is taken for it."""

    code = "mail-refused"


class Mailer(Protocol):
    """Sends a text to an address. Raises `MailNotSent` and `MailRefused`."""

    async def send(self, address: str, subject: str, text: str, message_id: UUID) -> None:
        """Hand the message over; it may arrive later."""


class SmtpMailer:
    """Hands over to one server, a connection for each message."""

    def __init__(self, settings: Settings) -> None:
        assert settings.smtp_host is not None
        if settings.mail_from is None:
            raise MailSenderMissing("CITYBRAIN_SMTP_HOST needs CITYBRAIN_MAIL_FROM: an address")
        self._host, self._from = settings.smtp_host, settings.mail_from
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.smtp_ca_file)
        self._handed_over: OrderedDict[UUID, None] = OrderedDict()
        self._threads = ThreadPoolExecutor(AT_ONCE, "mail")  # a server that is slow holds up mail

    async def send(self, address: str, subject: str, text: str, message_id: UUID) -> None:
        """Hand it over, unless this process has done so."""
        if message_id in self._handed_over:
            return
        message = self._message(address, subject, text, message_id)
        await asyncio.get_running_loop().run_in_executor(self._threads, self._hand_over, message)
        self._handed_over[message_id] = None
        if len(self._handed_over) > REMEMBERED:
            self._handed_over.popitem(last=False)

    def _message(self, address: str, subject: str, text: str, message_id: UUID) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._from
        try:
            message["To"] = Address(addr_spec=address)
        except (ValueError, IndexError, HeaderParseError, MessageError):
            raise MailRefused("this is no address of mail") from None
        message["Subject"] = subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{message_id}@{self._from.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody answers it by itself
        message.set_content(text)
        return message

    def _hand_over(self, message: EmailMessage) -> None:
        try:
            with self._connection() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refusal(min(code for code, _ in error.recipients.values())) from None
        except OF_US as error:
            raise MailNotSent(f"the mail server does not let us in ({error.smtp_code})") from None
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code) from None
        except smtplib.SMTPNotSupportedError as error:
            if self._settings.smtp_security == "starttls" and "STARTTLS" in str(error):
                raise MailNotSent("the mail server has no STARTTLS") from None
            raise MailRefused("the mail server cannot write to such an address") from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailNotSent(f"the mail server is away: {type(error).__name__}") from None

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """A connection that is as secure as it is to be, and let in."""
        settings, place = self._settings, (self._host, self._settings.smtp_port)
        connected = (
            smtplib.SMTP_SSL(*place, timeout=TIMEOUT_SECONDS, context=self._tls)
            if settings.smtp_security == "tls"
            else smtplib.SMTP(*place, timeout=TIMEOUT_SECONDS)
        )
        with connected as server:
            if settings.smtp_security == "starttls":
                server.starttls(context=self._tls)
            if settings.smtp_username is not None and settings.smtp_password is not None:
                server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
            yield server


def _refusal(code: int) -> CitybrainError:
    """RFC 5321, 4.2.1: what begins with 4 passes."""
    if code < 500:
        return MailNotSent(f"the mail server does not take it now ({code})")
    return MailRefused(f"the mail server does not take it ({code})")


def open_mailer(settings: Settings) -> Mailer | None:
    """The mail server that the settings name; raises `MailSenderMissing`."""
    return None if settings.smtp_host is None else SmtpMailer(settings)
