"""What the worklist takes for granted where the client's own history does not say it: each number with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...errors import ParameterError, closest, listed
from ...tables.schema import WORK_ACTIONS

OVERTURNED = {
    "documentation": 0.7,
    "coding": 0.7,
    "duplicate": 0.5,
    "other_payer": 0.6,
    "eligibility": 0.5,
    "referral": 0.45,
    "provider_enrolment": 0.5,
    "authorization": 0.45,
    "administrative": 0.5,
    "medical_necessity": 0.45,
    "bundling": 0.4,
    "network_contract": 0.4,
    "non_covered": 0.2,
    "benefit_limit": 0.2,
    "timely_filing": 0.1,
}
"""Share of worked denials that are paid in the end, by category, before the client's own history speaks.

The order is our own: what is mended with paper (documentation, coding) is likely, what the plan does
not cover or what came too late is not. Each is worth `default_claims` claims, so that twenty of the client's own
outweigh it.
"""

MINUTES = {
    "follow_up": 10.0,
    "corrected_claim": 15.0,
    "appeal": 30.0,
    "resubmit": 8.0,
    "bill_secondary": 8.0,
    "request_documents": 8.0,
    "transfer_to_patient": 5.0,
    "write_off_request": 5.0,
    "statement": 1.0,
    "other": 10.0,
}
"""Minutes per action where the client's notes do not say: a call to a payer, a form, a letter with its enclosures."""


@dataclass(frozen=True)
class WorklistSettings:
    """How the worklist counts. Every share is 0 to 1.

    deadline_days         a deadline this near puts an item on top
    smallest_cents        a smaller balance is counted and not listed: a call costs more than it brings
    waiting_share         a payer is left alone until this share of what it answers at all is answered
    waiting_days          after a note "in process" or "waiting", nothing is due for so many days
    posting_days          after an answer, so many days for posting it
    statement_days        a patient has a month after each statement, and after becoming responsible
    appeal_extra_days     how much longer an appeal takes than a claim
    crossover_days        what the primary passed on itself (claim status 19 of its 835) is awaited for so long
    unbilled_days         charges entered this recently are on their way out
    refiled_share         of claims that a payer does not know, so many are paid as others when sent again in time
    released_share        of claims held for good, so many are released when the client is pressed
    new_share             of new claims, so many are paid where the client has no history yet
    other_share           the stated share of a denial whose category has none
    second_share          after a lost rework, the next one has this part of the usual chance
    short_share           of claims paid short of a contract's price, so many are paid in full when asked for; half of
                          it
                          where the price is only inferred
    patient_share         of patients who would not pay by themselves, so many pay after a call
    patient_kept_share    of that chance with a patient so much is left after each 90 days: money due is collected with
                          93, 85
                          and 73 % after 30, 60 and 90 days (mdmanagementgroup)
    late_share            what is left of a chance once the filing or appeal limit is over
    unknown_limit_days    a limit that is not on file is over by then: no payer's is known to be longer than Medicare's
                          to file, one calendar year (42 CFR 424.44)
    alone_share           of denials nobody touches, so many are paid all the same
    default_claims        how many claims a stated share is worth against the client's own
    history_days          how far back history counts
    fewest_notes          a median of minutes needs this many notes of the action
    """

    deadline_days: int = 14
    smallest_cents: int = 1_000
    waiting_share: float = 0.9
    waiting_days: int = 30
    posting_days: int = 7
    statement_days: int = 30
    appeal_extra_days: int = 14
    crossover_days: int = 45
    unbilled_days: int = 7
    refiled_share: float = 0.6
    released_share: float = 0.3
    new_share: float = 0.85
    other_share: float = 0.4
    second_share: float = 0.15
    short_share: float = 0.5
    patient_share: float = 0.1
    patient_kept_share: float = 0.73
    late_share: float = 0.1
    unknown_limit_days: int = 365
    alone_share: float = 0.02
    default_claims: float = 10.0
    history_days: int = 540
    fewest_notes: int = 10
    overturned: Mapping[str, float] = field(default_factory=lambda: dict(OVERTURNED))
    minutes: Mapping[str, float] = field(default_factory=lambda: dict(MINUTES))

    def __post_init__(self) -> None:
        shares = [name for name in self.__dataclass_fields__ if name.endswith("_share")]
        wrong = [name for name in shares if not 0 <= getattr(self, name) <= 1]
        wrong += [name for name, share in self.overturned.items() if not 0 <= share <= 1]
        if wrong:
            raise ParameterError(f"Shares of the worklist lie between 0 and 1; {listed(wrong)} does not.")
        unknown = [name for name in self.minutes if name not in WORK_ACTIONS]
        if unknown:
            raise ParameterError(
                f"Minutes are given per action; {listed(unknown)} is none." + closest(unknown[0], WORK_ACTIONS)
            )
        short = [name for name, minutes in self.minutes.items() if not minutes > 0]
        if short:
            raise ParameterError(f"Minutes per action are above zero; those of {listed(short)} are not.")
