"""The worklist: a queue worked out by hand, the laws that any score must keep, and what is left alone."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.models.worklist.queues import people_of, read_people
from rcm_analysis.models.worklist.ranking import Person, WorklistSettings, to_do, worklist
from rcm_analysis.models.worklist.settings import MINUTES
from rcm_analysis.models.worklist.steps import open_steps
from rcm_analysis.scoreboard.scores.worklist import said_and_added
from rcm_analysis.tables.schema import ACTIONS as REGISTER
from rcm_analysis.tables.schema import TABLES, WORK_LOG

DAY = dt.date(2026, 10, 31)
STATED = WorklistSettings(history_days=1)
"""No history counts: every share is the stated one, so that the numbers can be worked out by hand."""

DEFAULTS = {
    "claims": {
        "provider": "lee",
        "location": "main",
        "claim_type": "professional",
        "payer": "aetna",
        "charge_cents": 10_000,
    },
    "claim_lines": {"line_number": 1, "procedure": "99213", "units": 1.0, "charge_cents": 10_000},
    "submissions": {"payer": "aetna", "payer_order": "primary", "frequency": "1", "charge_cents": 10_000},
    "transactions": {"kind": "charge", "party": "primary", "amount_cents": 10_000},
    "remit_claims": {
        "remit_id": "R",
        "sequence": 1,
        "status": "1",
        "payer": "aetna",
        "payer_order": "primary",
        "charge_cents": 10_000,
        "paid_cents": 0,
    },
    "remit_adjustments": {"group_code": "CO", "amount_cents": 10_000},
    "work_log": {"worked_by": "kim", "outcome": None},
    "claim_edits": {"stage": "clearinghouse", "result": "failed", "reason": "invalid date"},
}
KEYS = {
    "submissions": "submission_id",
    "transactions": "transaction_id",
    "remit_claims": "remit_claim_id",
    "remit_adjustments": "remit_adjustment_id",
    "work_log": "note_id",
    "claim_edits": "edit_id",
    "promises": "promise_id",
}


class Office:
    """Claims of one client, put together call by call."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict]] = {name: [] for name in TABLES}
        self.put("submissions", claim_id="before", submitted_on="2019-12-31")
        self.put(
            "payer_rules",
            payer="aetna",
            effective_from="2020-01-01",
            filing_limit_days=180,
            appeal_limit_days=90,
            secondary_filing_limit_days=90,
        )
        self.put(
            "fee_schedules",
            payer="aetna",
            procedure="99213",
            modifiers="",
            effective_from="2020-01-01",
            allowed_cents=6_000,
        )

    def put(self, table: str, **row) -> None:
        if table in KEYS:
            row.setdefault(KEYS[table], f"{table}{len(self.rows[table])}")
        self.rows[table].append({"client": "acme", **DEFAULTS.get(table, {}), **row})

    def claim(self, claim: str, service: str = "2026-09-01", *, sent: str | None = None, **more) -> None:
        entered = more.pop("entered", service)
        self.put("claims", claim_id=claim, service_on=service, entered_on=entered, **more)
        self.put("claim_lines", claim_id=claim, service_on=service, entered_on=entered)
        self.put("transactions", claim_id=claim, posted_on=entered, happened_on=service)
        if sent:
            self.put("submissions", claim_id=claim, submitted_on=sent)

    def denied(self, claim: str, carc: str, on: str = "2026-10-01", sent: str = "2026-09-05", **more) -> None:
        self.claim(claim, sent=sent, **more)
        self.decide(claim, on, {carc: 10_000})

    def decide(self, claim: str, on: str, adjustments: dict[str, int], paid: int = 0, group: str = "CO") -> None:
        number = f"{claim}/{len(self.rows['remit_claims'])}"
        self.put("remit_claims", remit_claim_id=number, claim_id=claim, received_on=on, paid_cents=paid)
        for carc, cents in adjustments.items():
            self.put(
                "remit_adjustments",
                remit_claim_id=number,
                claim_id=claim,
                received_on=on,
                carc=carc,
                amount_cents=cents,
                group_code="PR" if carc in ("1", "2", "3") else group,
            )

    def note(self, claim: str, on: str, action: str, outcome: str | None = None, **more) -> None:
        self.put("work_log", claim_id=claim, worked_on=on, entered_on=on, action=action, outcome=outcome, **more)

    def moved(self, claim: str, on: str, *postings: tuple[str, str, int]) -> None:
        for kind, party, cents in postings:
            self.put(
                "transactions", claim_id=claim, posted_on=on, happened_on=on, kind=kind, party=party, amount_cents=cents
            )

    def tables(self) -> dict[str, pl.LazyFrame]:
        out = {}
        for name, rows in self.rows.items():
            schema = TABLES[name].polars
            frame = pl.DataFrame(
                rows, schema={column: pl.String if kind == pl.Date else kind for column, kind in schema.items()}
            )
            out[name] = frame.with_columns(
                pl.col(column).str.to_date() for column, kind in schema.items() if kind == pl.Date
            ).lazy()
        return out

    def list(self, settings: WorklistSettings = STATED, **more) -> pd.DataFrame:
        return worklist(self.tables(), as_of=DAY, settings=settings, **more)


def ten_items() -> Office:
    office = Office()
    office.denied("D1", "252")  # documentation: 7 of 10
    office.denied("D2", "197")  # authorization: 45 of 100
    office.denied("D3", "29")  # timely filing: 1 of 10
    office.claim("R1", sent="2026-10-05")
    office.put("claim_edits", claim_id="R1", checked_on="2026-10-06")
    office.claim("U1", entered="2026-10-01")
    office.claim("H1")
    office.note("H1", "2026-09-03", "request_documents", "waiting_on_client", hold_reason="documents")
    office.claim("P1", "2026-05-20", sent="2026-06-01")  # limit in 16 days
    office.claim("P2", "2026-05-10", sent="2026-06-01")  # limit in 6 days
    office.claim("S1", sent="2026-09-02", secondary_payer="aetna")
    office.decide("S1", "2026-09-15", {"45": 4_000, "2": 1_200}, paid=4_800)
    office.moved(
        "S1",
        "2026-09-16",
        ("payment", "primary", -4_800),
        ("contractual", "primary", -4_000),
        ("transfer", "primary", -1_200),
        ("transfer", "secondary", 1_200),
    )
    office.claim("T1", sent="2026-07-02", service="2026-07-01")
    office.decide("T1", "2026-07-20", {"45": 4_000, "1": 5_000}, paid=1_000)
    office.moved(
        "T1",
        "2026-07-21",
        ("payment", "primary", -1_000),
        ("contractual", "primary", -4_000),
        ("transfer", "primary", -5_000),
        ("transfer", "patient", 5_000),
    )
    for day in ("2026-08-01", "2026-09-01"):
        office.note("T1", day, "statement", "none")
    return office


GOLDEN = [  # claim, work adds in cents, minutes, action, who, day
    ("P2", 3_060, 10, "follow_up", "Ann", 0),  # 6000 x 0.85 x 0.6, and its limit ends first
    ("R1", 5_100, 8, "resubmit", "Bob", 0),  # 6000 x 0.85
    ("U1", 5_100, 8, "resubmit", "Ann", 0),
    ("P1", 3_060, 10, "follow_up", "Bob", 0),
    ("D1", 4_080, 15, "corrected_claim", "Ann", 0),  # 6000 x (0.70 - 0.02)
    ("H1", 1_530, 8, "request_documents", "Bob", 0),  # 6000 x 0.85 x 0.3; Ann has 7 minutes left
    ("S1", 1_020, 8, "bill_secondary", "Bob", 0),  # 1200 x 0.85
    ("D2", 2_580, 30, "appeal", "Bob", 1),  # 6000 x (0.45 - 0.02)
    ("T1", 350, 10, "follow_up", "Ann", 1),  # 5000 x 0.1 x 0.73^(102 days / 90)
    ("D3", 480, 30, "appeal", "Ann", 1),  # 6000 x (0.10 - 0.02)
]


def test_the_queue_of_ten_items_and_two_people_worked_out_by_hand():
    found = ten_items().list(people={"Ann": 40, "Bob": 40})
    got = list(
        found[["claim_id", "recoverable_cents", "minutes", "action", "assigned_to", "queue_day"]].itertuples(
            index=False, name=None
        )
    )
    assert got == GOLDEN
    assert found["tier"].tolist() == ["deadline"] + ["list"] * 9
    assert found["expected_cents"].tolist() == [6_000] * 6 + [1_200, 6_000, 5_000, 6_000]
    assert found["score_cents_per_minute"].tolist() == pytest.approx([row[1] / row[2] for row in GOLDEN], rel=1e-5)
    assert (
        found["recoverable_cents"] == (found["expected_cents"] * found["chance_to_pay"] * found["uplift"]).round()
    ).all()
    assert found["rank"].tolist() == list(range(1, 11))


def test_the_reason_says_what_is_known_in_words():
    found = ten_items().list().set_index("claim_id")["reason"]
    assert found["D2"] == (
        "Denied for authorization (code 197) on 2026-10-01 and not worked since; 45 of 100 such denials are "
        "paid when worked. "
        "Appeal or correct it by 2026-12-30 (60 days left)."
    )
    assert found["P2"].startswith("Sent 152 days ago without an answer, longer than this payer usually takes (30 days)")
    assert "Held for documents since 2026-09-03" in found["H1"]
    assert found["T1"] == "2 statements sent, the last on 2026-09-01, and not paid: call."


def test_every_recommended_action_is_one_that_can_be_noted():
    found = ten_items().list()
    assert set(found["action"]) <= set(WORK_LOG.column("action").values) and REGISTER.name == "actions"


def test_twice_the_dollars_leave_the_order():
    office = ten_items()
    before = office.list(people={"Ann": 40, "Bob": 40})
    for rows in office.rows.values():
        for row in rows:
            row.update({name: value * 2 for name, value in row.items() if name.endswith("_cents")})
    after = office.list(people={"Ann": 40, "Bob": 40})
    assert after[["claim_id", "action", "assigned_to", "queue_day"]].equals(
        before[["claim_id", "action", "assigned_to", "queue_day"]]
    )
    assert after["score_cents_per_minute"].tolist() == pytest.approx((2 * before["score_cents_per_minute"]).tolist())


def test_more_minutes_lower_the_score_and_nothing_else():
    office = ten_items()
    slow = WorklistSettings(history_days=1, minutes={name: 3 * minutes for name, minutes in MINUTES.items()})
    before, after = (office.list(settings).set_index("claim_id") for settings in (STATED, slow))
    assert (after["score_cents_per_minute"] * 3).sort_index().tolist() == pytest.approx(
        before["score_cents_per_minute"].sort_index().tolist()
    )
    assert after["recoverable_cents"].sort_index().equals(before["recoverable_cents"].sort_index())


def test_the_clients_own_minutes_are_taken_from_ten_notes_on():
    office = ten_items()
    for number in range(10):
        office.note(f"X{number}", "2026-08-01", "appeal", "upheld", minutes=20.0 + number)
    office.note("X0", "2026-08-01", "resubmit", "none", minutes=99.0)
    found = office.list().set_index("claim_id")["minutes"]
    assert (found["D2"], found["R1"]) == (24.5, 8.0)


def test_an_expected_amount_is_never_the_billed_charge_where_a_price_is_known():
    office = ten_items()
    found = office.list().set_index("claim_id")
    assert found.loc["D1", ["open_cents", "expected_cents"]].tolist() == [10_000, 6_000]
    office.rows["fee_schedules"][0]["allowed_cents"] = 50_000
    assert office.list().set_index("claim_id").loc["D1", "expected_cents"] == 10_000, "never more than the balance"


def waits(claim: str = "W1", **more) -> Office:
    office = Office()
    office.claim(claim, **more)
    return office


def noted(action: str, outcome: str, on: str) -> Office:
    office = waits(sent="2026-08-01", service="2026-07-15")
    office.note("W1", on, action, outcome)
    return office


def reworked(on: str) -> Office:
    office = Office()
    office.denied("W1", "252", on="2026-09-20")
    office.note("W1", on, "corrected_claim", "in_process")
    return office


def owed_by_patient(*statements: str, promised: str | None = None) -> Office:
    office = waits(payer="self_pay", service="2026-06-01")
    office.rows["transactions"][0]["party"] = "patient"
    for day in statements:
        office.note("W1", day, "statement", "none")
    if promised:
        office.put("promises", claim_id="W1", patient="p1", promised_on="2026-10-01", due_on=promised, amount_cents=100)
    return office


def on_plan(next_due: str) -> Office:
    office = owed_by_patient("2026-08-20")
    office.put(
        "payment_plans",
        plan_id="L1",
        patient="p1",
        claim_id="W1",
        opened_on="2026-08-25",
        amount_cents=9_000,
        instalments=3,
        is_autopay=False,
    )
    for number, (day, paid) in enumerate(
        (("2026-09-25", "2026-09-25"), (next_due, None), ("2026-12-20", None)), start=1
    ):
        office.put(
            "plan_instalments",
            plan_id="L1",
            number=number,
            agreed_on="2026-08-25",
            due_on=day,
            amount_cents=3_000,
            paid_on=paid,
        )
    return office


def small() -> Office:
    office = owed_by_patient("2026-08-01")
    office.moved("W1", "2026-08-02", ("payment", "patient", -9_001))
    return office


@pytest.mark.parametrize(
    ("office", "tier", "until"),
    [
        pytest.param(waits(sent="2026-10-20"), "waiting", "2026-11-19", id="the payer is within its usual days"),
        pytest.param(waits(sent="2026-09-20"), "list", None, id="the payer has taken longer than usual"),
        pytest.param(
            noted("follow_up", "waiting_on_payer", "2026-10-20"), "waiting", "2026-11-19", id="asked ten days ago"
        ),
        pytest.param(noted("follow_up", "in_process", "2026-10-01"), "list", None, id="asked just thirty days ago"),
        pytest.param(
            noted("follow_up", "none", "2026-10-20"), "list", None, id="a call that reached nobody holds nothing back"
        ),
        pytest.param(
            waits(entered="2026-10-28", service="2026-10-27"),
            "waiting",
            "2026-11-04",
            id="entered three days ago, on its way out",
        ),
        pytest.param(reworked("2026-10-10"), "waiting", "2026-11-09", id="a corrected claim sent three weeks ago"),
        pytest.param(owed_by_patient("2026-10-20"), "waiting", "2026-11-19", id="a statement sent eleven days ago"),
        pytest.param(owed_by_patient("2026-08-20"), "list", None, id="a statement of two months ago"),
        pytest.param(
            owed_by_patient("2026-08-20", promised="2026-11-10"), "waiting", "2026-11-11", id="a promise not yet due"
        ),
        pytest.param(
            owed_by_patient("2026-08-20", promised="2026-10-20"), "list", None, id="a promise whose day has passed"
        ),
        pytest.param(
            on_plan("2026-11-15"), "waiting", "2026-11-16", id="a payment plan whose next instalment is to come"
        ),
        pytest.param(on_plan("2026-10-20"), "list", None, id="a payment plan that is overdue"),
        pytest.param(small(), "small", None, id="less than ten dollars: counted, not listed"),
    ],
)
def test_what_is_left_alone(office, tier, until):
    found = office.list()
    assert found["tier"].tolist() == [tier]
    assert (
        found["suppressed_until"].dt.strftime("%Y-%m-%d").tolist() == [until if until else None]
        or pd.isna(found["suppressed_until"][0])
        and until is None
    )
    assert len(to_do(found)) == (tier == "list")


def test_a_near_limit_outranks_any_score():
    found = ten_items().list()
    assert (
        found.loc[0, "claim_id"] == "P2"
        and found.loc[0, "deadline_kind"] == "filing"
        and found.loc[0, "days_left"] == 6
    )
    assert found.loc[0, "score_cents_per_minute"] < found.loc[1, "score_cents_per_minute"]


def test_what_the_payer_left_to_the_patient_is_moved_there():
    office = waits(sent="2026-08-01", service="2026-07-15")
    office.decide("W1", "2026-09-01", {"45": 4_000, "1": 5_000}, paid=1_000)
    office.moved("W1", "2026-09-02", ("payment", "primary", -1_000), ("contractual", "primary", -4_000))
    found = office.list().loc[0]
    assert (found["status"], found["action"], found["expected_cents"]) == (
        "left_to_patient",
        "transfer_to_patient",
        5_000,
    )


def test_a_claim_paid_short_of_its_contract_is_an_item_with_nothing_open():
    """Allowed 40 of 60 dollars: 20 short, half of which comes when asked for; the balance itself was posted away."""
    office = waits(sent="2026-08-01", service="2026-07-15")
    office.decide("W1", "2026-09-01", {}, paid=4_000)
    office.put(
        "remit_lines",
        remit_line_id="L",
        remit_claim_id=office.rows["remit_claims"][-1]["remit_claim_id"],
        claim_id="W1",
        line_number=1,
        procedure="99213",
        charge_cents=10_000,
        paid_cents=4_000,
        allowed_cents=4_000,
        units=1.0,
        service_on="2026-07-15",
        received_on="2026-09-01",
    )
    office.put(
        "remit_adjustments",
        remit_claim_id=office.rows["remit_claims"][-1]["remit_claim_id"],
        remit_line_id="L",
        claim_id="W1",
        received_on="2026-09-01",
        carc="45",
        amount_cents=6_000,
    )
    office.moved("W1", "2026-09-02", ("payment", "primary", -4_000), ("contractual", "primary", -6_000))
    found = office.list()
    assert found[
        ["status", "action", "open_cents", "expected_cents", "recoverable_cents", "tier", "deadline_kind"]
    ].values.tolist() == [["underpaid", "appeal", 0, 2_000, 1_000, "list", "appeal"]]
    assert found["reason"][0].startswith(
        "Paid on 2026-09-01, $20 short of the contract: ask for the difference. Appeal or correct it by 2026-11-30"
    )
    office.note("W1", "2026-10-01", "appeal", "upheld")
    assert office.list().empty, "appealed in vain"


def test_a_limit_that_is_over_is_a_write_off_to_propose():
    office = Office()
    office.denied("L1", "197", on="2026-07-01", sent="2026-06-05", service="2026-06-01")
    found = office.list().loc[0]
    assert (found["action"], found["tier"], found["days_left"]) == ("write_off_request", "list", -32)
    assert found["recoverable_cents"] == 258 and "The limit ended on 2026-09-29" in found["reason"]


def test_a_denial_lost_again_has_a_part_of_the_chance():
    office = Office()
    office.denied("L1", "197", on="2026-09-01", sent="2026-08-05", service="2026-08-01")
    office.note("L1", "2026-09-10", "appeal", "in_process")
    office.note("L1", "2026-10-10", "appeal", "upheld")
    found = office.list().loc[0]
    assert (found["status"], found["action"], found["recoverable_cents"]) == (
        "denied_again",
        "appeal",
        405,
    )  # 6000 x 0.45 x 0.15


def test_own_history_outweighs_the_stated_share():
    """Thirty worked authorization denials, all won: (30 + 10 x 0.45) / 40."""
    office = Office()
    for number in range(30):
        claim = f"W{number:02d}"
        office.denied(claim, "197", on="2026-06-10", sent="2026-06-02", service="2026-06-01")
        office.note(claim, "2026-06-20", "appeal", "overturned")
        office.moved(claim, "2026-07-10", ("contractual", "primary", -4_000), ("payment", "primary", -6_000))
    office.denied("A1", "197")
    found = office.list(WorklistSettings()).set_index("claim_id").loc["A1"]
    assert found["chance_to_pay"] == pytest.approx(34.5 / 40)


def test_specialities_bind_and_capacity_ends():
    people = [
        Person("Ann", 20, actions=("appeal",)),
        Person("Bob", 40, payers=("nobody",)),
        Person("Cy", 40, actions=("follow_up", "resubmit")),
    ]
    found = ten_items().list(people=people).set_index("claim_id")["assigned_to"].to_dict()
    assert {found[name] for name in ("D2", "D3")} == {"Ann"}, "an item longer than a day gets a day of its own"
    assert {found[name] for name in ("P1", "P2", "R1", "U1", "T1")} == {"Cy"}
    assert {found[name] for name in ("D1", "H1", "S1")} == {""}


def test_the_same_list_whatever_the_order_of_rows():
    office = ten_items()
    before = office.list(people={"Ann": 40, "Bob": 40})
    for rows in office.rows.values():
        rows.reverse()
    assert office.list(people={"Ann": 40, "Bob": 40}).equals(before)


def test_nothing_owed_is_an_empty_list():
    found = Office().list(people={"Ann": 40})
    assert found.empty and to_do(found).empty and "score_cents_per_minute" in found


def test_credits_are_no_work():
    office = waits(sent="2026-09-01")
    office.moved("W1", "2026-10-01", ("payment", "primary", -12_000))
    assert office.list().empty


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda: read_people("Ann"), "NAME:MINUTES", id="no minutes"),
        pytest.param(lambda: read_people("Ann:10,Ann:20"), "there twice", id="a name twice"),
        pytest.param(lambda: Person("Ann", 0), "above 0", id="no time"),
        pytest.param(lambda: Person("Ann", 9, actions=("appeall",)), "appeal", id="an unknown action"),
        pytest.param(lambda: WorklistSettings(refiled_share=1.2), "refiled_share", id="a share above one"),
        pytest.param(lambda: WorklistSettings(minutes={"apeal": 3.0}), "apeal", id="minutes of no action"),
        pytest.param(lambda: WorklistSettings(minutes={"appeal": 0.0}), "above zero", id="no minutes at all"),
    ],
)
def test_what_is_wrong_is_said(make, says):
    with pytest.raises(ParameterError, match=says):
        make()


def test_people_may_be_given_as_names_and_minutes():
    assert people_of({"Ann": 30}) == [Person("Ann", 30)] and people_of(None) == []


# -- what would have come anyway is not added ------------------------------------------------------

SEEN = WorklistSettings(default_claims=1e-9)
"""Nothing is stated: every share is counted from the client's claims."""


def with_answers(never: int = 2) -> Office:
    """Ten claims sent on 2 June: those answered are paid after 20 days, the others were asked about after 40 and never
    answered."""
    office = Office()
    for number in range(10):
        claim = f"A{number}"
        office.claim(claim, sent="2026-06-02", service="2026-06-01")
        if number >= never:
            office.decide(claim, "2026-06-22", {"45": 4_000}, paid=6_000)
            office.moved(claim, "2026-06-23", ("payment", "primary", -6_000), ("contractual", "primary", -4_000))
        else:
            office.note(claim, "2026-07-12", "follow_up", "waiting_on_payer")
    return office


def added(office: Office, claim: str) -> float:
    """Dollars that work adds, as a share of the expected amount."""
    row = office.list(SEEN).set_index("claim_id").loc[claim]
    return row["chance_to_pay"] * row["uplift"]


def test_a_claim_that_was_asked_about_and_not_answered_is_not_one_of_the_same_age_that_nobody_asked_about():
    """Of ten sent eight were paid, and nobody answered for the two that were asked about: sending again brings 0.6 of
    0.8."""
    office = with_answers()
    assert added(office, "A0") == pytest.approx(0.6 * 0.8)
    office.claim("N1", sent="2026-10-01", service="2026-09-20")
    office.claim("N2", sent="2026-10-21", service="2026-10-20")
    assert added(office, "N1") == pytest.approx(0.6 * 8 / 11), (
        "30 days old, past any answer: of 11 that reached day 20 eight were paid"
    )
    assert added(office, "N2") == pytest.approx(0.6 * 8 / 11 * 3 / 11), (
        "10 days old: eight of eleven are still answered by themselves"
    )


def test_charges_on_their_way_out_need_no_work():
    """All ten claims were sent on the day after entry: what was entered yesterday will be, what is old will not."""
    office = with_answers(never=0)
    office.claim("U1", "2026-10-30", entered="2026-10-31")
    office.claim("U2", "2026-09-01", entered="2026-09-01")
    assert added(office, "U1") == pytest.approx(1 / 11), "one of the eleven that were a day old is still here"
    assert added(office, "U2") == pytest.approx(1.0)


def test_a_hold_that_is_usually_released_is_not_won_by_pressing():
    """Of five holds four were released after ten days, one never: pressing wins three tenths of what is never
    released."""
    office = with_answers(never=0)
    for number in range(5):
        office.claim(f"H{number}", "2026-06-01", sent="2026-06-12" if number else None)
        office.note(f"H{number}", "2026-06-02", "request_documents", "waiting_on_client", hold_reason="documents")
        if number:
            office.decide(f"H{number}", "2026-07-01", {"45": 4_000}, paid=6_000)
            office.moved(f"H{number}", "2026-07-02", ("payment", "primary", -6_000), ("contractual", "primary", -4_000))
    office.claim("H9", "2026-10-29")
    office.note("H9", "2026-10-30", "request_documents", "waiting_on_client", hold_reason="documents")
    assert added(office, "H0") == pytest.approx(0.3 * 1.0), "long past the usual release"
    assert added(office, "H9") == pytest.approx(0.3 * 0.2)


def test_a_payer_pays_only_its_own_part():
    """Half of every allowed dollar is left to the patient: a refiled claim brings the payer's half."""
    office = Office()
    for number in range(10):
        office.claim(f"A{number}", sent="2026-05-02", service="2026-05-01")
        office.decide(f"A{number}", "2026-05-22", {"45": 4_000, "1": 3_000}, paid=3_000)
        office.moved(
            f"A{number}",
            "2026-05-23",
            ("payment", "primary", -3_000),
            ("contractual", "primary", -4_000),
            ("transfer", "primary", -3_000),
        )
    office.claim("R1", sent="2026-10-05")
    office.put("claim_edits", claim_id="R1", checked_on="2026-10-06")
    found = office.list(SEEN).set_index("claim_id").loc["R1"]
    assert (found["expected_cents"], found["chance_to_pay"]) == (6_000, pytest.approx(10 / 11 * 0.5)), (
        "ten of eleven old enough were paid"
    )
    assert found["recoverable_cents"] == 2_727


def test_what_a_secondary_never_answered_is_too_late_after_its_limit():
    """The primary answered on 15 June, the secondary's limit is ninety days: nothing can be sent again."""
    office = Office()
    office.claim("S1", "2026-06-01", sent="2026-06-02", secondary_payer="aetna")
    office.decide("S1", "2026-06-15", {"45": 4_000, "2": 1_200}, paid=4_800)
    office.moved(
        "S1",
        "2026-06-16",
        ("payment", "primary", -4_800),
        ("contractual", "primary", -4_000),
        ("transfer", "primary", -1_200),
        ("transfer", "secondary", 1_200),
    )
    office.put("submissions", claim_id="S1", submitted_on="2026-06-20", payer_order="secondary")
    found = office.list().loc[0]
    assert (found["status"], found["deadline_kind"], found["days_left"], found["action"]) == (
        "processing",
        "secondary_filing",
        -48,
        "write_off_request",
    )


@pytest.mark.parametrize(
    ("sent_on", "later", "status"),
    [
        pytest.param("2026-08-20", {}, "rejected", id="the bill to the secondary"),
        pytest.param("2026-08-02", {}, "processing", id="the primary's, long before"),
        pytest.param("2026-08-20", {"submitted_on": "2026-09-10"}, "processing", id="mended and sent again"),
    ],
)
def test_a_rejected_bill_to_the_secondary_is_to_be_mended(sent_on, later, status):
    office = Office()
    office.claim("S1", "2026-08-01", sent="2026-08-02", secondary_payer="aetna")
    office.decide("S1", "2026-08-15", {"45": 4_000, "2": 1_200}, paid=4_800)
    moves = [("payment", "primary", -4_800), ("contractual", "primary", -4_000)]
    office.moved("S1", "2026-08-16", *moves, ("transfer", "primary", -1_200), ("transfer", "secondary", 1_200))
    for day in ({"submitted_on": "2026-08-20"}, *([later] if later else [])):
        office.put("submissions", claim_id="S1", payer_order="secondary", **day)
    check = {"checked_on": "2026-08-21", "sent_on": sent_on, "stage": "clearinghouse", "result": "failed"}
    office.put("claim_edits", edit_id="e", claim_id="S1", reason="subscriber unknown", **check)
    found = office.list().set_index("party").loc["secondary"]
    assert found["status"] == status
    if status == "rejected":
        assert (found["action"], found["deadline_kind"]) == ("resubmit", "secondary_filing")
        assert "Rejected by the clearinghouse on 2026-08-21: subscriber unknown" in found["reason"]


def test_a_claim_asked_about_may_still_be_paid_by_itself():
    """Two of ten were asked about on day 40 and one of them was paid on day 60: half of those asked about come by
    themselves."""
    office = with_answers()
    office.decide("A1", "2026-08-01", {"45": 4_000}, paid=6_000)
    office.moved("A1", "2026-08-02", ("payment", "primary", -6_000), ("contractual", "primary", -4_000))
    office.claim("N1", sent="2026-09-26", service="2026-09-20")
    found = office.list(SEEN).set_index("claim_id").loc["N1"]
    # 35 days old: it will be asked about, and half of those are paid. New claims: 8 of 11 are paid by day 20, half
    # of the other three on day 60.
    refiled = 0.5 * 0.6 * (8 / 11 + 3 / 11 * 1 / 2)
    assert (found["chance_to_pay"], found["chance_to_pay"] * found["uplift"]) == (
        pytest.approx(0.5 + refiled),
        pytest.approx(refiled),
    )


def test_what_is_usually_posted_the_day_after_is_not_won_by_asking():
    """Ten answers were posted after a day, all; what was answered in September and still stands is forgotten."""
    office = with_answers(never=0)
    for claim, day in (("P1", "2026-10-31"), ("P2", "2026-09-01")):
        office.claim(claim, sent="2026-08-10", service="2026-08-05")
        office.decide(claim, day, {"45": 4_000}, paid=6_000)
    assert added(office, "P1") == pytest.approx(0.15 * 1 / 11), "of eleven as old one is still there"
    assert added(office, "P2") == pytest.approx(0.15)


def test_a_rework_that_is_always_answered_needs_no_second_letter():
    """Ten corrected claims were answered after twenty days; the eleventh is ten days old. That new claims are lost says
    nothing of it."""
    office = Office()
    office.claim("Z", sent="2026-06-02", service="2026-06-01")
    for number in range(10):
        office.denied(f"D{number}", "252", on="2026-06-10", sent="2026-06-02", service="2026-06-01")
        office.note(f"D{number}", "2026-06-20", "corrected_claim", "in_process")
        office.note(f"D{number}", "2026-07-10", "corrected_claim", "paid")
        office.moved(f"D{number}", "2026-07-12", ("contractual", "primary", -4_000), ("payment", "primary", -6_000))
    office.denied("W1", "252", on="2026-10-01")
    office.note("W1", "2026-10-21", "corrected_claim", "in_process")
    found = office.list(SEEN).set_index("claim_id").loc["W1"]
    assert (found["status"], found["chance_to_pay"], found["uplift"]) == ("reworked", pytest.approx(1.0), 0)


def test_a_secondary_pays_its_own_part_of_what_the_primary_left():
    """Secondaries paid half of the $12 left, the patient owes the rest: of the next $12 they pay $6, not their share of
    the whole claim."""
    office = Office()
    for number in range(11):
        claim = f"S{number}"
        office.claim(claim, "2026-08-01", sent="2026-08-02", secondary_payer="aetna")
        office.decide(claim, "2026-08-15", {"45": 4_000, "2": 1_200}, paid=4_800)
        office.moved(
            claim,
            "2026-08-16",
            ("payment", "primary", -4_800),
            ("contractual", "primary", -4_000),
            ("transfer", "primary", -1_200),
            ("transfer", "secondary", 1_200),
        )
        if number:
            office.put("submissions", claim_id=claim, submitted_on="2026-08-20", payer_order="secondary")
            office.decide(claim, "2026-09-10", {"2": 600}, paid=600)
            office.rows["remit_claims"][-1].update(payer_order="secondary", status="2")
            office.put(
                "remit_adjustments",
                remit_claim_id=office.rows["remit_claims"][-1]["remit_claim_id"],
                claim_id=claim,
                received_on="2026-09-10",
                carc="23",
                group_code="OA",
                amount_cents=8_800,
            )
            office.moved(
                claim,
                "2026-09-11",
                ("payment", "secondary", -600),
                ("transfer", "secondary", -600),
                ("transfer", "patient", 600),
            )
    found = office.list(SEEN).set_index(["claim_id", "party"]).loc[("S0", "secondary")]
    assert (found["status"], found["expected_cents"], found["recoverable_cents"]) == ("secondary_unbilled", 1_200, 600)


def test_what_the_list_says_and_what_work_adds_are_summed_over_what_is_to_be_done():
    items = pd.DataFrame(
        {
            "claim_id": list("abc"),
            "party": ["primary"] * 3,
            "tier": ["deadline", "list", "waiting"],
            "recoverable_cents": [300, 50, 999],
        }
    )
    truth = pd.DataFrame(
        {"claim_id": list("ac"), "party": ["primary"] * 2, "gain_cents": [400, 700], "true_minutes": [5, 5]}
    )
    assert said_and_added(items, truth) == (350, 400), (
        "what waits is not to be done, and what no truth names adds nothing"
    )


def stepped(
    on: str | None = "2026-11-12",
    action: str = "follow_up",
    outcome: str | None = "waiting_on_payer",
    *,
    noted_on: str = "2026-10-20",
    **claim,
) -> Office:
    """A claim that its payer left unanswered for longer than usual, and a note of October 20 that names the next
    step."""
    office = waits(**{"sent": "2026-08-01", "service": "2026-07-15"} | claim)
    office.note("W1", noted_on, "follow_up", outcome, next_action=action, next_on=on)
    return office


def then(office: Office, what: str, *args, **more) -> Office:
    getattr(office, what)(*args, **more)
    return office


WAITING, DUE = "waiting", "list"


@pytest.mark.parametrize(
    ("office", "tier", "until", "action", "words"),
    [
        pytest.param(
            stepped(),
            WAITING,
            "2026-11-12",
            "follow_up",
            "The payer's answer is promised for 2026-11-12: nothing to do before 2026-11-12.",
            id="the payer promised an answer for Nov 12",
        ),
        pytest.param(
            stepped("2026-12-15"),
            WAITING,
            "2026-12-15",
            "follow_up",
            "promised for 2026-12-15",
            id="a promise beyond the thirty days of any note",
        ),
        pytest.param(
            stepped(outcome="waiting_on_client", action="request_documents"),
            WAITING,
            "2026-11-12",
            "follow_up",
            "The practice's answer is promised for 2026-11-12",
            id="the client promised it",
        ),
        pytest.param(
            stepped(outcome="none", action="appeal"),
            WAITING,
            "2026-11-12",
            "follow_up",
            "Our next step (appeal) is promised for 2026-11-12",
            id="we promised it to ourselves",
        ),
        pytest.param(
            stepped("2026-11-01"), WAITING, "2026-11-01", "follow_up", "promised for 2026-11-01", id="the day before"
        ),
        pytest.param(
            stepped("2026-10-31"),
            DUE,
            None,
            "follow_up",
            "Due since 2026-10-31 (the payer's answer was promised): ask again. Sent 91 days ago",
            id="the day itself",
        ),
        pytest.param(
            stepped("2026-10-27", "appeal", "in_process"),
            DUE,
            None,
            "appeal",
            "Due since 2026-10-27 (our next step): appeal.",
            id="its day is past: the step noted, though thirty days are not over",
        ),
        pytest.param(
            stepped("2026-10-27", sent="2026-10-15"),
            DUE,
            None,
            "follow_up",
            "Due since 2026-10-27 (the payer",
            id="its day is past within the payer's usual days",
        ),
        pytest.param(
            stepped(None),
            WAITING,
            "2026-11-19",
            "follow_up",
            "Nothing to do before 2026-11-19.",
            id="a step without a day: thirty days, as of any note",
        ),
        pytest.param(
            then(stepped(), "note", "W1", "2026-10-25", "follow_up", "none"),
            DUE,
            None,
            "follow_up",
            "Sent 91 days ago",
            id="a later note took it up",
        ),
        pytest.param(
            then(stepped(), "note", "W1", "2026-10-25", "statement", "none"),
            WAITING,
            "2026-11-12",
            "follow_up",
            "promised",
            id="a statement did not",
        ),
        pytest.param(
            then(stepped(), "moved", "W1", "2026-10-25", ("payment", "primary", -100)),
            WAITING,
            "2026-11-19",
            "follow_up",
            "Nothing to do before 2026-11-19.",
            id="a later posting took it up",
        ),
        pytest.param(
            then(stepped("2026-10-27"), "decide", "W1", "2026-10-26", {"252": 10_000}),
            DUE,
            None,
            "corrected_claim",
            "Denied for documentation",
            id="a later remittance took it up",
        ),
        pytest.param(
            then(stepped("2026-10-27", "corrected_claim", None), "decide", "W1", "2026-10-20", {"252": 10_000}),
            DUE,
            None,
            "corrected_claim",
            "Due since 2026-10-27 (our next step): send the corrected claim. Denied for documentation",
            id="the remittance of the same day is what was read",
        ),
        pytest.param(
            stepped(sent="2026-06-01", service="2026-05-10"),
            "deadline",
            None,
            "follow_up",
            "is promised for 2026-11-12; the limit does not wait for it.",
            id="six days to the filing limit: no promise holds it back",
        ),
        pytest.param(
            stepped("2026-10-27", "resubmit", None, sent="2026-04-01", service="2026-03-10"),
            DUE,
            None,
            "write_off_request",
            "propose the write-off",
            id="sending again comes too late",
        ),
        pytest.param(
            stepped("2026-10-27", sent="2026-04-01", service="2026-03-10"),
            DUE,
            None,
            "follow_up",
            (
                "Due since 2026-10-27 (the payer's answer was promised): ask again. Sent 213 days ago without an "
                "answer, longer than this payer usually takes (30 days): ask whether it is on file. The limit "
                "ended on 2026-09-06."
            ),
            id="asking for the payment that was promised does not",
        ),
    ],
)
def test_a_step_noted_for_a_day_waits_for_it_and_is_due_from_it_on(office, tier, until, action, words):
    found = office.list()
    row = found.loc[0]
    assert (row["tier"], row["action"]) == (tier, action)
    assert found["suppressed_until"].dt.strftime("%Y-%m-%d").replace({float("nan"): None}).tolist() == [until]
    assert words in row["reason"] and ("Due since" in row["reason"]) == words.startswith("Due since")


def test_a_step_belongs_to_one_balance_of_its_claim():
    def steps(action: str, *parties: str) -> list[str]:
        items = pd.DataFrame({"client": "acme", "claim_id": "W1", "party": list(parties)})
        return open_steps(stepped(action=action).tables(), items, as_of=DAY)["party"].tolist()

    assert steps("follow_up", "patient", "secondary", "primary") == ["primary"]
    assert steps("bill_secondary", "patient", "secondary", "primary") == ["secondary"]
    assert steps("statement", "primary", "patient") == ["patient"] and steps("statement", "primary") == []
    assert steps("follow_up", "patient") == ["patient"]


def test_a_patients_own_promise_holds_back_a_call_that_is_due():
    office = owed_by_patient("2026-08-20", promised="2026-11-10")
    office.note("W1", "2026-10-05", "follow_up", "none", next_action="follow_up", next_on="2026-10-20")
    found = office.list()
    assert found["tier"].tolist() == ["waiting"] and found["suppressed_until"][0] == pd.Timestamp("2026-11-11")


def test_a_step_noted_after_the_day_of_the_list_is_not_known():
    office = stepped(noted_on="2026-10-31")
    office.rows["work_log"][0]["entered_on"] = "2026-11-01"
    assert office.list()["tier"].tolist() == ["list"]
