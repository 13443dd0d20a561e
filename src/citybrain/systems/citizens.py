"""People: registered with sealed data, identified by face, by code or at a counter."""

from citybrain.definitions.citizens.agreements import load_agreements
from citybrain.domain.citizens.citizen import Citizen
from citybrain.http.citizens import accesses, citizen, consents, records
from citybrain.http.citizens.made_up import register_made_up
from citybrain.http.citizens.reach import REACH
from citybrain.systems.system import System
from commands.citizens.face import forget_challenges
from commands.citizens.identity import forget_codes
from commands.citizens.processes.notices import FaceNotices
from commands.citizens.processes.records import RecordChanges
from commands.citizens.processes.templates import TemplateDestruction
from commands.processes.runner import in_order
from commands.processes.telling import telling
from projections.citizens.consents import Consents
from projections.citizens.data_accesses import DataAccesses
from projections.citizens.identity_days import IdentityDays
from projections.citizens.suspected_duplicates import SuspectedDuplicates

CITIZENS = System(
    name="citizens",
    streams=(Citizen,),
    definitions=(load_agreements,),
    processes=(in_order(TemplateDestruction()), telling(FaceNotices()), telling(RecordChanges())),
    projections=(SuspectedDuplicates(), IdentityDays(), DataAccesses(), Consents()),
    routes=(*citizen.ROUTES, *records.ROUTES, *accesses.ROUTES, *consents.ROUTES),
    reach=REACH,
    registers=register_made_up,
    upkeep=(forget_codes, forget_challenges),
)
