"""Relations between records: each broken by hand, below, at and above its limits, and as of a day."""

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from rcm_analysis.errors import ParameterError
from rcm_analysis.ledger.completeness import NAMES, phantoms, relations, rows_behind
from rcm_analysis.periods import Period
from rcm_analysis.tables import schema
from rcm_analysis.tables.clients import read_registry

DAY = dt.date(2026, 6, 30)
EARLY = "2026-01-05"
PLAIN = {
    "transactions": {"party": "primary", "happened_on": EARLY, "posted_on": EARLY, "payer": "aetna"},
    "claims": {"payer": "aetna", "claim_type": "professional", "service_on": EARLY, "entered_on": EARLY},
    "claim_lines": {"service_on": EARLY, "entered_on": EARLY, "charge_cents": 0},
    "submissions": {"payer": "aetna", "payer_order": "primary", "frequency": "1", "submitted_on": EARLY},
    "acknowledgments": {
        "kind": "277CA",
        "level": "claim",
        "result": "passed",
        "said_by": "payer",
        "received_on": EARLY,
        "charge_cents": 0,
    },
    "claim_edits": {"stage": "clearinghouse", "result": "failed", "checked_on": EARLY},
    "deposits": {"payer": "aetna", "provider_adjustment_cents": 0, "received_on": EARLY},
    "bank_deposits": {"kind": "claim_payment", "posted_on": EARLY},
    "remit_claims": {"payer": "aetna", "payer_order": "primary", "status": "1", "sequence": 1, "received_on": EARLY},
    "remit_lines": {"remit_claim_id": "R", "paid_cents": 0, "received_on": EARLY},
}


def tables(**given):
    """The tables of one client; a row says only what matters, its key is its place."""
    out = {}
    for name, plain in PLAIN.items():
        table = schema.TABLES[name]
        key = {table.key[-1]: None} if table.key[-1].endswith("_id") and table.key[-1] != "claim_id" else {}
        rows = []
        for number, row in enumerate(given.get(name, ())):
            filled = {"client": "acme", **plain, **dict.fromkeys(key, f"{name}{number}"), **row}
            rows.append({column: _value(filled.get(column), table.column(column).kind) for column in table.names})
        out[name] = pl.DataFrame(rows, schema=table.polars).lazy()
    return out


def _value(value, kind):
    return dt.date.fromisoformat(value) if kind == "date" and isinstance(value, str) else value


def posted(claim, kind, cents, **other):
    return {"claim_id": claim, "kind": kind, "amount_cents": cents, **other}


def of(found, relation):
    return found[found["relation"] == relation].iloc[0]


def broken(given, relation, *, as_of=DAY, period=None):
    """(count, dollars in cents, whole in cents) of one relation that must be broken; None where it holds."""
    row = of(relations(given, as_of=as_of, period=period), relation)
    return (int(row["count"]), int(row["amount_cents"]), int(row["whole_cents"])) if row["is_broken"] else None


def sound():
    """Two claims billed, answered and posted, with their lines and their check: nothing is broken."""
    return {
        "claims": [{"claim_id": "A", "charge_cents": 10000}, {"claim_id": "B", "charge_cents": 5000}],
        "claim_lines": [{"claim_id": "A", "line_number": 1, "procedure": "99213"}],
        "submissions": [{"claim_id": "A", "charge_cents": 10000}, {"claim_id": "B", "charge_cents": 5000}],
        "acknowledgments": [
            {"claim_id": "A", "claim_number": "A", "charge_cents": 10000},
            {"claim_id": "B", "claim_number": "B", "charge_cents": 5000},
        ],
        "deposits": [{"remit_id": "R1", "trace": "T1", "paid_cents": 12000, "claims_paid_cents": 12000}],
        "bank_deposits": [{"deposit_id": "D1", "trace": "T1", "amount_cents": 12000}],
        "remit_claims": [
            {"remit_id": "R1", "claim_id": "A", "charge_cents": 10000, "paid_cents": 8000},
            {"remit_id": "R1", "claim_id": "B", "charge_cents": 5000, "paid_cents": 4000},
        ],
        "remit_lines": [{"claim_id": "A", "line_number": 1, "procedure": "99213", "charge_cents": 10000}],
        "transactions": [
            posted("A", "charge", 10000),
            posted("B", "charge", 5000),
            posted("A", "payment", -8000, trace="T1"),
            posted("B", "payment", -4000, trace="T1"),
            posted("A", "contractual", -2000),
            posted("B", "contractual", -1000),
        ],
    }


def but(**changes):
    """The sound tables with rows added."""
    base = sound()
    return tables(**{name: [*base.get(name, ()), *changes.get(name, ())] for name in {**base, **changes}})


@pytest.fixture
def registry(tmp_path):
    path = tmp_path / "clients.toml"
    plain = 'providers = 1\nrevenue = "1.00"\ncommission_rate = "0.05"\nmeeting_cadence = "monthly"\n'
    path.write_text(
        f'[clients.acme]\nname = "Acme Ortho"\naliases = ["Dr Jo Doe"]\n{plain}'
        f'[clients.other]\nname = "Other Clinic"\ntax_ids = ["99-8877665"]\n{plain}'
    )
    return read_registry(path)


def test_a_sound_client_breaks_nothing_and_is_asked_everything(registry):
    found = relations(but(), as_of=DAY, registry=registry)
    assert found["relation"].tolist() == list(NAMES)
    assert not found["is_broken"].any() and found["is_asked"].all()
    assert (found[["count", "amount_cents"]] == 0).all(axis=None)


def test_nothing_at_all_is_no_row():
    assert relations(tables(), as_of=DAY).empty
    assert relations(but(), as_of=dt.date(2026, 1, 4)).empty  # the day before the first record was known


@pytest.mark.parametrize("side", ["claims", "claim_lines", "submissions", "deposits", "acknowledgments"])
def test_a_client_that_never_sends_one_side_breaks_no_relation_with_it(side):
    given = tables(**{name: rows for name, rows in sound().items() if name != side})
    found = relations(given, as_of=DAY)
    assert not found["is_broken"].any() and not found["is_asked"].all()


# ------------------------------------------------------------ paid and answered, never billed
def test_payments_on_claims_never_billed_are_added_up_without_their_signs():
    more = [posted("X", "payment", -5000), posted("X", "takeback", 5000), posted("Y", "payment", -100)]
    assert broken(but(transactions=more), "paid_never_billed") == (2, 10100, 22100)  # 5000 + 5000 + 100


def test_an_837_alone_is_no_charge_in_the_ledger():
    given = but(transactions=[posted("X", "payment", -5000)], submissions=[{"claim_id": "X", "charge_cents": 6000}])
    assert broken(given, "paid_never_billed") == (1, 5000, 17000)
    assert broken(given, "answered_never_billed") is None


@pytest.mark.parametrize(
    ("on", "count"), [("2026-05-30", 1), ("2026-05-31", 0), ("2026-06-30", 0)], ids=["31 days", "30 days", "today"]
)
def test_what_a_patient_paid_at_the_visit_waits_thirty_days_for_its_charge(on, count):
    given = but(transactions=[posted("X", "payment", -2500, party="patient", posted_on=on)])
    assert of(relations(given, as_of=DAY), "paid_never_billed")["count"] == count


def test_a_charge_posted_later_mends_the_relation_from_its_day_on():
    given = but(
        transactions=[
            posted("X", "payment", -5000, posted_on="2026-02-01"),
            posted("X", "charge", 5000, posted_on="2026-03-01"),
        ]
    )
    assert broken(given, "paid_never_billed", as_of=dt.date(2026, 2, 28)) == (1, 5000, 17000)
    assert broken(given, "paid_never_billed", as_of=dt.date(2026, 3, 1)) is None


def test_a_remittance_claim_nobody_billed_counts_once_with_what_the_payer_says_was_charged():
    more = [{"remit_id": "R1", "claim_id": "X", "charge_cents": cents, "paid_cents": 0} for cents in (7000, -7000)]
    assert broken(but(remit_claims=more), "answered_never_billed") == (1, 7000, 22000)


@pytest.mark.parametrize(
    ("number", "procedure", "expected"),
    [(1, "99213", None), (2, "99213", None), (1, "20610", None), (2, "20610", (1, 300, 10300))],
    ids=["the same line", "another number", "another procedure", "neither"],
)
def test_a_line_in_a_remittance_is_known_by_its_number_or_its_procedure(number, procedure, expected):
    more = [{"claim_id": "A", "line_number": number, "procedure": procedure, "charge_cents": 300}]
    assert broken(but(remit_lines=more), "line_never_billed") == expected


# ------------------------------------------------------------ sent and never answered
@pytest.mark.parametrize(
    ("sent_on", "expected"), [("2026-03-01", (1, 6000, 21000)), ("2026-03-02", None)], ids=["121 days", "120 days"]
)
def test_a_claim_without_an_answer_counts_from_the_day_after_120_days(sent_on, expected):
    given = but(
        submissions=[{"claim_id": "X", "charge_cents": 6000, "submitted_on": sent_on}],
        transactions=[posted("X", "charge", 6000)],
    )
    assert broken(given, "unanswered") == expected


@pytest.mark.parametrize(
    "also",
    [
        {"remit_claims": [{"remit_id": "R9", "claim_id": "X", "charge_cents": 6000, "paid_cents": 0}]},
        {"transactions": [posted("X", "payment", -10)]},
        {"transactions": [posted("X", "transfer", -6000), posted("X", "transfer", 6000, party="patient")]},
    ],
    ids=["answered", "paid without a remittance", "owed by the patient"],
)
def test_an_answer_money_or_another_party_ends_the_wait(also):
    base = {
        "submissions": [{"claim_id": "X", "charge_cents": 6000, "submitted_on": EARLY}],
        "transactions": [posted("X", "charge", 6000), *also.get("transactions", [])],
    }
    assert broken(but(**{**also, **base}), "unanswered") is None


@pytest.mark.parametrize(("cents", "is_broken"), [(700, False), (800, True)], ids=["700 of 14000: 5 %", "800 of 15200"])
def test_what_waits_is_told_always_and_broken_only_above_five_percent(cents, is_broken):
    at_limit = {700: 2000, 800: 3200}[cents]  # cash of 12000 on claims, and this
    given = but(
        transactions=[posted("A", "payment", -at_limit, trace="T1"), posted(None, "payment", -cents, party="patient")]
    )
    row = of(relations(given, as_of=DAY), "unapplied")
    assert (row["amount_cents"], row["whole_cents"], row["is_broken"]) == (cents, 12000 + at_limit, is_broken)


# ------------------------------------------------------------ sent and acknowledged
@pytest.mark.parametrize(
    ("sent_on", "expected"),
    [("2026-06-19", (1, 6000, 21000)), ("2026-06-20", None), ("2026-01-04", None)],
    ids=["11 days", "10 days", "before the first acknowledgment"],
)
def test_a_claim_that_no_front_end_and_no_payer_speaks_of_counts_after_ten_days(sent_on, expected):
    given = but(submissions=[{"claim_id": "X", "charge_cents": 6000, "submitted_on": sent_on}])
    assert broken(given, "never_acknowledged") == expected


@pytest.mark.parametrize(
    "also",
    [
        {"acknowledgments": [{"claim_id": "X", "claim_number": "X", "result": "pending", "charge_cents": 6000}]},
        {"remit_claims": [{"remit_id": "R9", "claim_id": "X", "charge_cents": 6000, "paid_cents": 0}]},
        {"claim_edits": [{"claim_id": "X"}]},
    ],
    ids=["received", "answered", "in a file that was refused"],
)
def test_any_word_about_a_claim_ends_the_search_for_it(also):
    bill = {"claim_id": "X", "charge_cents": 6000, "submitted_on": "2026-02-01"}
    assert broken(but(submissions=[bill], **also), "never_acknowledged") is None


def test_claims_acknowledged_twice_that_no_837_of_ours_holds_count_once():
    rows = [{"claim_id": None, "claim_number": "X", "charge_cents": 6000, "received_on": EARLY}] * 2
    assert broken(but(acknowledgments=rows), "acknowledged_never_sent") == (1, 6000, 27000)
    batch = [{"claim_id": None, "level": "batch", "charge_cents": 6000}]
    assert broken(but(acknowledgments=batch), "acknowledged_never_sent") is None


# ------------------------------------------------------------ ledger, export and 837
def test_postings_on_a_claim_that_the_claim_table_lacks():
    more = [posted("X", "charge", 5000), posted("X", "contractual", -5000)]
    assert broken(but(transactions=more), "posted_without_claim") == (1, 10000, 40000)  # 30000 without X


def test_a_charge_without_a_claim_is_no_money_that_waits():
    found = relations(but(transactions=[posted(None, "charge", 35000), posted(None, "write_off", -5)]), as_of=DAY)
    assert (of(found, "claimless")["count"], of(found, "claimless")["amount_cents"]) == (2, 35005)
    assert of(found, "unapplied")["count"] == 0


def test_money_applied_since_waits_no_more_and_parties_do_not_cancel():
    more = [
        posted(None, "payment", -5000, party="patient"),
        posted(None, "transfer", 5000, party="patient"),
        posted(None, "payment", -300, party="primary"),
        posted(None, "transfer", 300, party="secondary"),
    ]
    row = of(relations(but(transactions=more), as_of=DAY), "unapplied")
    assert (row["count"], row["amount_cents"]) == (2, 600)


@pytest.mark.parametrize(
    ("entered_on", "payer", "count"),
    [
        ("2026-05-30", "aetna", 1),
        ("2026-05-31", "aetna", 0),
        ("2026-05-30", "self_pay", 0),
        ("2026-01-04", "aetna", 0),
        ("2026-01-05", "aetna", 1),
    ],
    ids=["31 days", "30 days", "nobody to send it to", "before the first 837", "on the day of the first 837"],
)
def test_a_claim_that_no_837_carries(entered_on, payer, count):
    more = [{"claim_id": "X", "charge_cents": 9000, "payer": payer, "entered_on": entered_on}]
    row = of(relations(but(claims=more), as_of=DAY), "not_in_837")
    assert (row["count"], row["amount_cents"], row["is_broken"]) == (count, count * 9000, count == 1)


def test_a_claim_in_an_837_that_the_export_lacks_counts_once():
    more = [{"claim_id": "X", "charge_cents": cents, "submitted_on": "2026-06-30"} for cents in (4000, 5000)]
    assert broken(but(submissions=more), "not_in_export") == (1, 5000, 20000)


@pytest.mark.parametrize(
    ("billed", "answered"),
    [
        ("000777", "777"),
        ("abc-9", "ABC9"),
        ("0042-A", "42a"),
        ("2026010500017", "2.02601E+12"),
        ("2026010500017", "2026010500017.0"),
        ("1234567890123456789", "1234567890123456800"),
        ("1234567890123456789", "1234567890123450000"),
    ],
)
@pytest.mark.parametrize("way", ["answered", "billed"])
def test_ids_that_would_meet_but_for_their_form_are_paired_with_the_dollars_of_both(billed, answered, way):
    ours, theirs = (billed, answered) if way == "answered" else (answered, billed)
    given = but(
        submissions=[{"claim_id": ours, "charge_cents": 6000}],
        remit_claims=[{"remit_id": "R1", "claim_id": theirs, "charge_cents": 6100, "paid_cents": 0}],
    )
    assert broken(given, "id_forms") == (1, 6000, 21000)
    row = rows_behind(given, "id_forms", as_of=DAY).iloc[0]
    assert (row["record"], row["other"], row["other_cents"]) == (theirs, ours, 6100)


def test_ids_that_meet_as_they_are_or_could_be_several_are_not_paired():
    sent = [{"claim_id": one, "charge_cents": 100} for one in ("777", "000777", "2026010500017", "2026010500018")]
    answered = [
        {"remit_id": "R1", "claim_id": one, "charge_cents": 100, "paid_cents": 0} for one in ("777", "2.02601E+12")
    ]
    assert broken(but(submissions=sent, remit_claims=answered), "id_forms") is None


def test_an_export_and_an_837_in_two_dresses_are_paired_too():
    given = but(
        claims=[{"claim_id": "X-1", "charge_cents": 900}], submissions=[{"claim_id": "x1", "charge_cents": 900}]
    )
    assert broken(given, "id_forms") == (1, 900, 16800)


def test_debts_and_credits_that_cancel_on_a_claim():
    more = [posted("A", "transfer", -4000), posted("A", "transfer", 4000, party="patient")]
    assert broken(but(transactions=more), "parts_cancel") == (1, 4000, 4000)
    almost = [*more, posted("A", "payment", -1, party="patient")]
    assert broken(but(transactions=almost), "parts_cancel") is None


# ------------------------------------------------------------ remittances and the ledger
@pytest.mark.parametrize(
    ("trace", "cents", "day", "payer", "is_twice"),
    [
        ("T1", 12000, EARLY, "aetna", True),
        ("000-t1", 12000, EARLY, "aetna", True),
        ("t1", 12000, EARLY, "unmapped:aetna inc", True),
        ("T2", 12000, EARLY, "aetna", False),
        ("T1", 11999, EARLY, "aetna", False),
        ("T1", 12000, "2026-01-06", "aetna", False),
        (None, 12000, EARLY, "aetna", False),
    ],
    ids=["again", "zeros and case", "another name", "another trace", "another amount", "another day", "no trace"],
)
def test_the_same_money_twice(trace, cents, day, payer, is_twice):
    more = [{"remit_id": "R2", "trace": trace, "paid_cents": cents, "claims_paid_cents": cents, "payer": payer}]
    more[0] |= {"paid_on": day, "received_on": "2026-02-01"}
    given = but(deposits=more)
    given["deposits"] = given["deposits"].with_columns(pl.col("paid_on").fill_null(dt.date(2026, 1, 5)))
    assert (broken(given, "same_money_twice") or (0,))[0] == is_twice


@pytest.mark.parametrize(
    ("payee", "end", "whose"),
    [
        ("ACME ORTHO, P.C.", None, "ours"),
        ("dr. jo doe", None, "ours"),
        (None, None, "ours"),
        ("OTHER CLINIC", None, "strange"),
        ("ACME ORTHO", "7665", "strange"),
        ("ACME ORTHO", "1234", "ours"),
        (None, "1234", "strange"),
    ],
    ids=[
        "its name",
        "an alias",
        "none named",
        "another name",
        "another client's tax id",
        "a new tax id",
        "a tax id alone",
    ],
)
def test_a_remittance_for_another_practice(registry, payee, end, whose):
    more = {"remit_id": "R2", "trace": "T2", "paid_cents": -300, "claims_paid_cents": 0}
    given = but(deposits=[{**more, "payee": payee, "payee_tax_id_end": end}])
    row = of(relations(given, as_of=DAY, registry=registry), "other_practice")
    strange = whose == "strange"
    assert (row["count"], row["amount_cents"], row["is_broken"]) == (strange, 300 * strange, strange)


def test_payees_are_not_judged_without_a_registry():
    assert not of(relations(but(), as_of=DAY), "other_practice")["is_asked"]


def test_two_opposite_errors_inside_a_deposit_are_added_up():
    base = sound()
    base["transactions"][2]["amount_cents"] -= 5000
    base["transactions"][3]["amount_cents"] += 5000
    assert broken(tables(**base), "posted_otherwise") == (2, 10000, 12000)


def test_a_trace_posted_in_another_dress_is_posted():
    base = sound()
    for row in base["transactions"][2:4]:
        row["trace"] = "0000t1"
    assert broken(tables(**base), "posted_otherwise") is None


@pytest.mark.parametrize(("received_on", "count"), [("2026-05-30", 1), ("2026-05-31", 0)], ids=["31 days", "30 days"])
def test_a_remittance_of_which_nothing_was_posted(received_on, count):
    more = [{"remit_id": "R2", "trace": "T2", "paid_cents": 900, "claims_paid_cents": 900, "received_on": received_on}]
    row = of(relations(but(deposits=more), as_of=DAY), "unposted")
    assert (row["count"], row["amount_cents"], row["is_broken"]) == (count, 900 * count, bool(count))


@pytest.mark.parametrize(("posted_on", "count"), [("2026-01-04", 0), ("2026-01-05", 1)])
def test_an_insurance_payment_whose_check_has_no_remittance_counts_since_the_first_remittance(posted_on, count):
    more = [posted("A", "payment", -4000, trace="PAPER", posted_on=posted_on)]
    assert of(relations(but(transactions=more), as_of=DAY), "no_remittance")["count"] == count


# ------------------------------------------------------------ periods, clients, engines, lists
def test_a_period_counts_what_became_known_in_it_against_the_whole_of_it():
    more = [
        posted("X", "payment", -5000, posted_on="2026-02-01"),
        posted("A", "payment", -1000, posted_on="2026-02-02"),
    ]
    given = but(transactions=more)
    assert broken(given, "paid_never_billed", period=Period.month("2026-02")) == (1, 5000, 6000)
    assert broken(given, "paid_never_billed", period=Period.month("2026-01")) is None


def test_each_client_has_its_own_rows():
    given = but(transactions=[posted("A", "payment", -5000, client="other")])
    found = relations(given, as_of=DAY)
    assert found.groupby("client").size().to_dict() == {"acme": len(NAMES), "other": len(NAMES)}
    assert found[found["is_broken"]][["client", "relation", "count"]].values.tolist() == [
        ["other", "paid_never_billed", 1]
    ]


def test_pandas_tables_give_the_same_rows_and_come_back_unchanged():
    given = but(transactions=[posted("X", "payment", -5000)])
    frames = {name: frame.collect().to_pandas() for name, frame in given.items()}
    before = {name: frame.copy() for name, frame in frames.items()}
    pd.testing.assert_frame_equal(relations(given, as_of=DAY), relations(frames, as_of=DAY))
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])


@pytest.mark.parametrize("relation", NAMES)
def test_the_list_behind_a_relation_has_its_count_and_its_dollars(relation):
    given = but(
        transactions=[
            posted("X", "payment", -5000, trace="Z9"),
            posted("x-1", "charge", 700),
            posted("A", "transfer", -4000),
            posted("A", "transfer", 4000, party="patient"),
            posted(None, "payment", -9000),
            posted(None, "charge", 10),
            posted("B", "takeback", 4000, trace="T1"),
        ],
        submissions=[{"claim_id": "X1", "charge_cents": 700}],
        deposits=[
            {"remit_id": "R2", "trace": "0T1", "paid_cents": 12000, "claims_paid_cents": 12000},
            {"remit_id": "R3", "trace": "T3", "paid_cents": 50, "claims_paid_cents": 50},
        ],
        remit_claims=[{"remit_id": "R3", "claim_id": "Q", "charge_cents": 60, "paid_cents": 50}],
        remit_lines=[{"claim_id": "A", "line_number": 9, "procedure": "0", "charge_cents": 60}],
        claims=[{"claim_id": "N", "charge_cents": 40000}],
    )
    row = of(relations(given, as_of=DAY), relation)
    found = rows_behind(given, relation, as_of=DAY)
    assert (found["record"].nunique() if row["unit"] == "claim" else len(found)) == row["count"]
    assert found["amount_cents"].sum() == row["amount_cents"]
    assert found["amount_cents"].tolist() == sorted(found["amount_cents"], reverse=True)


def test_an_unknown_relation_names_the_known_ones():
    with pytest.raises(ParameterError, match="paid_never_billed.*Did you mean|Known: paid_never_billed"):
        rows_behind(but(), "paid_never_bill", as_of=DAY)


# ------------------------------------------------------------ voided and set aside
VOIDED = {"claim_id": "A", "charge_cents": 10000, "frequency": "8", "submitted_on": "2026-05-30", "sequence": 2}


def test_a_claim_voided_by_an_837_and_still_charged_is_told_with_its_charge():
    assert broken(but(submissions=[VOIDED]), "void_still_charged") == (1, 10000, 15000)


@pytest.mark.parametrize(
    "bills",
    [
        pytest.param([{**VOIDED, "submitted_on": "2026-05-31"}], id="thirty days ago"),
        pytest.param([VOIDED, {**VOIDED, "frequency": "1", "submitted_on": "2026-06-02"}], id="billed again"),
        pytest.param([{**VOIDED, "payer_order": "secondary"}], id="voided at the second payer alone"),
        pytest.param([{**VOIDED, "claim_id": "C"}], id="never charged"),
    ],
)
def test_no_void_that_stands_is_no_charge_too_many(bills):
    assert broken(but(submissions=bills), "void_still_charged") is None


def test_a_charge_taken_back_in_the_ledger_agrees_with_its_void():
    back = posted("A", "charge", -10000, posted_on="2026-06-20")
    given = but(submissions=[VOIDED], transactions=[back])
    assert broken(given, "void_still_charged") is None
    assert broken(given, "void_still_charged", as_of=dt.date(2026, 6, 30)) is None
    early = but(submissions=[{**VOIDED, "submitted_on": "2026-04-01"}], transactions=[back])
    assert broken(early, "void_still_charged", as_of=dt.date(2026, 6, 19)) == (1, 10000, 15000)


def aside(*rows):
    plain = {"client": "acme", "file": "a.csv", "row": 7, "rule": "unreadable", "table": "transactions"}
    kinds = {"client": pl.String, "file": pl.String, "row": pl.Int64, "rule": pl.String, "table": pl.String}
    kinds |= {"amount_cents": pl.Int64, "known_on": pl.Date}
    return pl.DataFrame([{**plain, **row} for row in rows], schema=kinds)


def test_rows_set_aside_count_with_their_dollars_from_their_day_on():
    rows = aside(
        {"amount_cents": -5000, "known_on": dt.date(2026, 3, 1)},
        {"amount_cents": None, "known_on": None},
        {"amount_cents": 700, "rule": "total_line", "known_on": None},
        {"amount_cents": None, "table": "work_log", "known_on": None},
    )
    row = of(relations(but(), as_of=DAY, aside=rows), "set_aside")
    # The postings of the sound tables are 15000 of charges, 12000 of payments and 3000 of discounts.
    assert tuple(row[["count", "amount_cents", "unread", "whole_cents", "is_broken"]]) == (2, 5000, 1, 35000, True)
    assert of(relations(but(), as_of=dt.date(2026, 2, 28), aside=rows), "set_aside")["count"] == 1
    march = of(relations(but(), as_of=DAY, period=Period.month("2026-03"), aside=rows), "set_aside")
    assert tuple(march[["count", "amount_cents", "whole_cents"]]) == (1, 5000, 5000)
    listed = rows_behind(but(), "set_aside", as_of=DAY, aside=rows)
    assert listed["other"].tolist() == ["transactions, row 7: unreadable"] * 2


def test_large_is_what_shows_on_page_one_and_lacks_records():
    small, large = (but(transactions=[posted("X", "payment", -cents)]) for cents in (244, 245))  # of 12244, of 12245
    flags = [of(relations(given, as_of=DAY), "paid_never_billed")["is_large"] for given in (small, large)]
    assert flags == [False, True]
    waits = but(transactions=[posted(None, "payment", -5000)])
    found = of(relations(waits, as_of=DAY), "unapplied")
    assert found["is_broken"] and not found["is_large"]


def test_an_answer_taken_back_before_it_comes_again_is_none_twice():
    def answered(*cents):
        rows = [
            {"remit_id": f"S{place}", "claim_id": "A", "payer_claim_id": "P", "charge_cents": 10000, "paid_cents": one}
            for place, one in enumerate(cents)
        ]
        return broken(but(remit_claims=rows), "same_answer_twice")

    assert answered(8000, 8000) == (1, 8000, 12000) and answered(8000, 8000, 8000)[1] == 16000
    assert answered(8000, -8000, 8000) is None and answered(8000) is None


def left(count, *, day="2026-04-30", **last):
    """So many claims charged, answered and left to their patients on a day; the last posting is one of a patient."""
    rows = []
    for number in range(count):
        name = f"L{number}"
        rows += [posted(name, "charge", 1000), posted(name, "payment", -800), posted(name, "transfer", -200)]
        rows.append(posted(name, "transfer", 200, party="patient", posted_on=day))
    paid = [posted("L0", party="patient", posted_on="2026-06-01", **last)] if last else []
    claims = [{"claim_id": f"L{number}", "charge_cents": 1000} for number in range(count)]
    return but(transactions=[*rows, *paid], claims=claims, submissions=claims)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(left(20), (20, 4000, 4000), id="twenty of over sixty days"),
        pytest.param(left(19), None, id="nineteen"),
        pytest.param(left(20, day="2026-05-01"), None, id="sixty days ago: they may still pay"),
        pytest.param(left(20, kind="payment", cents=-1), None, id="a patient paid a cent"),
        pytest.param(left(20, kind="write_off", cents=-200), None, id="one was forgiven"),
        pytest.param(left(20, kind="transfer", cents=-200), (19, 3800, 3800), id="one went back to its insurer"),
    ],
)
def test_what_is_left_to_patients_is_doubtful_where_nobody_recorded_what_they_paid(given, expected):
    assert broken(given, "left_to_patients") == expected


def test_patients_balances_without_any_payment_on_file_are_phantoms_and_their_insurers_are_not():
    found = phantoms(left(20), as_of=DAY)
    assert set(found["why"]) == {"patients"} and set(found["party"]) == {"patient"} and len(found) == 20
    assert phantoms(left(20, kind="payment", cents=-1), as_of=DAY).empty
