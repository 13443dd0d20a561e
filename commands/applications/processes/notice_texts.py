"""What messages to applicants say, in simplified Chinese and in English.

The service goes by its name, never by its code; nothing personal is said.
"""

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.application_events import NOT_CORRECTED
from citybrain.domain.applications.document_events import APPLICANT
from citybrain.domain.applications.review_events import stands_paid
from citybrain.domain.applications.statuses import Status
from citybrain.domain.citizens import PersonDeceased
from citybrain.eventstore import RecordedEvent

Text = tuple[str, str]
"""In simplified Chinese, and in English."""

YOURS: Text = ("您的申请", "Your application")
NOT_YOU: Text = ("如非您本意，请尽快到窗口", "if you did not want this, go to a counter")
MESSAGE_SENT, EXPIRED = "application.message_sent", "application.expired"
TEXTS: dict[str, Text] = {
    "application.payout_confirmed": ("款项已到账", "the money is on your account"),
    "application.payout_delayed": ("款项处理中", "the bank takes longer than usual"),
    "application.payout_failed": (
        "付款未成功，由工作人员处理",
        "the payment failed, an officer sees to it",
    ),
    "application.claim_lost": ("转人工办理", "an officer looks at it"),
    "application.referred": ("转人工办理", "an officer looks at it"),
    EXPIRED: (
        "未完成身份核验，申请已失效",
        "nobody was identified in time, the application has ended",
    ),
    "application.sent_back": (
        "需要补正，请查看说明并重新提交",
        "please correct something: look, and submit it again",
    ),
    "application.correction_lapsed": (
        "补正期限已过，转人工办理",
        "the time to correct it is over, an officer decides",
    ),
    MESSAGE_SENT: ("您有一条新留言", "the department wrote to you"),
}
STANDS_TEXT: Text = ("复核维持原金额", "your appeal was looked at, the amount stands")
NOT_CORRECTED_TEXT: Text = ("未在期限内补正，申请已失效", "nothing was corrected in time")
BY_OTHERS: dict[str, Text] = {
    "application.submitted": ("已代您提交", "it was submitted for you"),
    "application.withdrawn": ("已代您撤回", "it was withdrawn for you"),
    "application.taken_over": ("已转到{}继续办理", "it goes on {}"),
    "application.appealed": ("已代您申请人工复核", "it was appealed for you"),
    "application.resubmitted": ("已代您补正并重新提交", "it was corrected and submitted for you"),
}
"""What is said where somebody else did it in the applicant's name."""
PLACES: dict[str, Text] = {"counter": ("窗口", "at a counter"), "kiosk": ("自助终端", "at a kiosk")}
ONLINE: Text = ("网上", "online")
OUTCOMES: dict[str, Text] = {
    Status.APPROVED: ("已通过", "approved"),
    Status.REFUSED: ("未通过，可申请人工复核", "refused; you can ask for a person to look at it"),
    Status.REFERRED: ("转人工办理", "an officer looks at it"),
}
DECIDED = ("application.decided", "application.reviewed")
TOPICS = (*DECIDED, *TEXTS, *BY_OTHERS)


def text_of(event: RecordedEvent, application: Application) -> Text | None:
    """What an event means to the applicant; nothing where they caused it, or have died."""
    if event.topic in BY_OTHERS:
        return _by_somebody_else(event, application)
    if event.topic in DECIDED:
        if stands_paid(event.topic, event.data):
            return STANDS_TEXT
        outcome = event.data["outcome"]
        paid_soon = outcome == Status.APPROVED and application.pays
        return None if paid_soon else OUTCOMES[outcome]  # the money says so, in a moment
    if event.topic == MESSAGE_SENT and event.data["by"] == APPLICANT:
        return None
    if event.topic == EXPIRED and event.data.get("reason") == PersonDeceased.code:
        return None
    if event.topic == EXPIRED and event.data.get("reason") == NOT_CORRECTED:
        return NOT_CORRECTED_TEXT
    return TEXTS[event.topic]


def _by_somebody_else(event: RecordedEvent, application: Application) -> Text | None:
    if event.metadata.get("actor") in (application.citizen_id, application.guardian):
        return None
    place = PLACES.get(event.data.get("channel", ""), ONLINE)
    chinese, english = (
        said.format(where) for said, where in zip(BY_OTHERS[event.topic], place, strict=True)
    )
    return f"{chinese}；{NOT_YOU[0]}", f"{english}; {NOT_YOU[1]}"
