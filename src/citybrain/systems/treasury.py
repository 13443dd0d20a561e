"""Treasury: what the bank moved for all systems, compared with its statement to the fen."""

from citybrain.domain.treasury.reconciliation import Reconciliation
from citybrain.http.treasury import payments
from citybrain.http.treasury.reach import REACH
from citybrain.systems.system import System
from commands.treasury.reconciling import reconcile_lately
from projections.treasury.payment_days import PaymentDays

TREASURY = System(
    name="treasury",
    knows=("applications", "parking"),
    streams=(Reconciliation,),
    projections=(PaymentDays(),),
    routes=payments.ROUTES,
    reach=REACH,
    upkeep=(reconcile_lately,),
)
