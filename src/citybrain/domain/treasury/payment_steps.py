"""All that moves money: the steps of every system whose payments are compared with the bank's."""

from citybrain.domain import applications, parking

PAYMENT_STEPS = applications.PAYMENT_STEPS | parking.PAYMENT_STEPS
