"""Who may read what the bank moved: figures, and ids of payments and streams. Nobody is named."""

from citybrain.domain.actor import Role

READERS = (Role.AUDITOR, Role.SUPERVISOR)
