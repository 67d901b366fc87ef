"""What the room keeps. A file for each noun; everything is imported from here."""

from club.accrual.models.campaigns import Campaign, InForce, Rulebook, RuleVersion, SharedFund
from club.accrual.models.clawbacks import Clawback, Clawed
from club.accrual.models.decisions import Counter, DayMade, Decision, RuleHour, Used
from club.accrual.models.events import Conflict, Event, EventState, Kind, Outcome, Queued
from club.accrual.models.registers import Register, Rejection
from club.accrual.models.segments import MemberList, Segment, SegmentMember
from club.accrual.models.simulations import Export, ExportErased, ExportFile, Simulation

__all__ = [
    "Campaign",
    "Clawback",
    "Clawed",
    "Conflict",
    "Counter",
    "DayMade",
    "Decision",
    "Event",
    "EventState",
    "Export",
    "ExportErased",
    "ExportFile",
    "InForce",
    "Kind",
    "MemberList",
    "Outcome",
    "Queued",
    "Register",
    "Rejection",
    "RuleHour",
    "RuleVersion",
    "Rulebook",
    "Segment",
    "SegmentMember",
    "SharedFund",
    "Simulation",
    "Used",
]
