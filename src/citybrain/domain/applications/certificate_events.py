"""The events of certificates: the result of an application that ended well, signed.

The topics below are the storage format: never rename one.
"""

from datetime import datetime
from typing import Any, ClassVar, TypedDict

from citybrain.domain.applications.event import ApplicationEvent


class Certificate(TypedDict):
    """A certificate as the state has it; it is of the decision that was taken `decided_at`."""

    certificate_id: str
    sha256: str
    issued_at: datetime
    decided_at: datetime | None
    signed_sealed: str


class ApplicationCertificateIssued(ApplicationEvent):
    """A certificate was signed. `sha256` is the digest of the compact JWS, which is sealed here."""

    TOPIC: ClassVar[str] = "application.certificate_issued"
    certificate_id: str
    sha256: str
    key_id: str
    signed_sealed: str

    def note(self, aggregate: Any) -> None:
        certificate: Certificate = {
            "certificate_id": self.certificate_id,
            "sha256": self.sha256,
            "issued_at": self.timestamp,
            "decided_at": aggregate.decided_at,
            "signed_sealed": self.signed_sealed,
        }
        aggregate.certificates.append(certificate)


EVENTS: tuple[type[ApplicationEvent], ...] = (ApplicationCertificateIssued,)
