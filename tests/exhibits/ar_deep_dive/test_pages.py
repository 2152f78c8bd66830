"""The pages of a deep dive: on one invented client, on one that lacks something, and on planted problems."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pandas as pd
import polars as pl
import pytest

from builders.acorn import acorn_page
from builders.page_checks import assert_prints
from rcm_analysis.blocks.plain import sheet_title
from rcm_analysis.exhibits import figures
from rcm_analysis.exhibits.ar_deep_dive import denials, findings, receivable, worklist
from rcm_analysis.exhibits.ar_deep_dive.facts import Facts
from rcm_analysis.exhibits.blocks import Block, Finding
from rcm_analysis.exhibits.pages import pages_of
from rcm_analysis.exhibits.register.months import register
from rcm_analysis.measures.receivable import ar
from rcm_analysis.tables.schema import TABLES

PAGES = (
    "answers",
    "all_findings",
    "limits",
    "waits",
    "denials",
    "underpayments",
    "scorecard",
    "aging",
    "worth",
    "movement",
    "key_accounts",
    "trail",
    "worklist",
    "definitions",
    "provenance",
)


def pages(subject) -> dict[str, list[Block]]:
    review = pages_of("ar_deep_dive", subject)
    return {name: getattr(review, name)() for name in PAGES}


def tables_of(blocks: list[Block]) -> dict[str, dict]:
    found = [block.payload if block.payload["kind"] == "table" else block.payload.get("table") for block in blocks]
    return {table["name"]: table for table in found if table}


def findings_of(subject) -> list[Finding]:
    return [one.as_finding() for one in findings.found(Facts(subject))]


def words_of(blocks: list[Block]) -> str:
    return " ".join(json.dumps(block.payload, ensure_ascii=False) for block in blocks)


@pytest.fixture(scope="module")
def acorn_pages():
    return {name: acorn_page("ar_deep_dive", name) for name in PAGES}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_json_and_the_press_can_print_it(acorn_pages, name):
    assert_prints(acorn_pages[name])


def test_every_sheet_has_its_own_name_that_a_workbook_can_carry(acorn_pages):
    names = [name for blocks in acorn_pages.values() for name in tables_of(blocks)]
    assert len(names) == len(set(names)) and all(len(name) <= 31 for name in names)


def test_every_finding_names_a_sheet_that_exists(acorn, acorn_pages):
    sheets = {sheet_title(name) for blocks in acorn_pages.values() for name in tables_of(blocks)}
    found = findings_of(acorn)
    assert found
    for item in found:
        assert item.owner and item.due
    leads = [item.detail.rpartition("Sheet: ")[2] for item in found if "Sheet: " in item.detail]
    assert len(leads) > 3 and all(sheet.rstrip(".").partition(", no")[0] in sheets for sheet in leads)


def test_no_promise_lies_in_the_past(acorn):
    assert all(item.due >= "2026-10-31" for item in findings_of(acorn))


def test_the_open_denial_and_the_open_questions_are_found(acorn):
    """Claim 2026-07-6 was denied on August 4 with 90 days to appeal; the claims ending in 6 wait for documents."""
    actions = {one.kind: one for one in findings.found(Facts(acorn))}
    assert list(actions["appeal_limit"].claims) == ["2026-07-6"]
    asked = Facts(acorn).requests
    asked = asked[asked["is_open"] & asked["claim_id"].isin(actions["questions"].claims)]
    assert actions["questions"].amount_cents == int(asked["open_cents"].sum()) > 0


def test_the_matrix_ties_to_the_aging_at_both_ends(acorn, acorn_pages):
    rows = tables_of(acorn_pages["movement"])["roll_matrix"]
    columns = [column["name"] for column in rows["columns"]]
    matrix = pd.DataFrame(rows["rows"], columns=columns).set_index("from_bucket").fillna(0)
    ages = [name for name in columns if name in ar.BUCKETS]
    closing = ar.open_balances(acorn.tables, as_of=acorn.as_of)["ar_cents"].sum()
    opening = ar.open_balances(acorn.tables, as_of=dt.date(2026, 9, 30))["ar_cents"].sum()
    assert matrix.loc["Total", ages].sum() == closing
    assert matrix.loc[[name for name in ar.BUCKETS if name in matrix.index], "total_cents"].sum() == opening


def test_each_way_to_cut_the_balances_gives_the_same_total(acorn):
    facts = Facts(acorn)
    totals = {int(receivable.aging_by(facts, column)["ar_cents"].sum()) for column in ("payer", "provider", "location")}
    assert len(totals) == 1 and totals.pop() > 0


def test_smaller_rows_are_added_up_and_nothing_is_lost():
    frame = pd.DataFrame(
        {
            "payer": [f"P{number}" for number in range(12)],
            **dict.fromkeys(ar.BUCKETS, 100),
            "ar_cents": 500,
            "old_share": 0.4,
        }
    )
    shown = receivable._with_rest(frame, "payer", [*ar.BUCKETS, "ar_cents"])
    assert shown["payer"].iloc[-1] == "All others (4)" and shown["ar_cents"].sum() == frame["ar_cents"].sum()
    assert shown["old_share"].iloc[-1] == 0.4


def test_twenty_items_in_print_and_all_of_them_in_the_workbook(acorn):
    tables = tables_of(worklist.worklist(Facts(acorn)))
    assert tables["worklist_top"]["print"] and not tables["worklist"]["print"]
    assert len(tables["worklist_top"]["rows"]) <= worklist.PRINTED <= len(tables["worklist"]["rows"])


@pytest.mark.parametrize(
    ("tier", "why", "said"),
    [
        pytest.param(
            "list",
            "Denied on 2026-10-02. Appeal or correct it by 2026-12-31 (61 days left).",
            "Denied on Oct 2, 2026.",
            id="a far limit is left out",
        ),
        pytest.param(
            "deadline",
            "Denied on 2026-10-02. Appeal by 2026-11-02 (2 days left).",
            "Denied on Oct 2, 2026. Appeal by Nov 2, 2026 (2 days left).",
            id="a near one stays",
        ),
    ],
)
def test_what_is_said_of_an_item(tier, why, said):
    row = pd.DataFrame([{"what": "Appeal", "payer": "Acme", "tier": tier, "reason": why}])
    assert worklist._brief(row)["brief"].tolist() == [f"Appeal: Acme\n{said}"]


def test_no_patient_is_named(acorn_pages):
    assert '"p4"' not in " ".join(words_of(blocks) for blocks in acorn_pages.values())


@pytest.mark.parametrize("name", PAGES)
def test_a_client_with_one_claim_has_every_page(one_claim, name):
    assert_prints(one_claim[name])


@pytest.fixture(scope="module")
def one_claim(acorn):
    """Everything but the first claim's own rows taken away."""
    import dataclasses

    first = acorn.tables["claims"].select("claim_id").head(1).collect().item()
    tables = {
        name: frame.filter(pl.col("claim_id") == first)
        if "claim_id" in TABLES[name].names and name in ("claims", "claim_lines", "transactions")
        else frame.head(0)
        for name, frame in acorn.tables.items()
    }
    return pages(dataclasses.replace(acorn, tables=tables, _frames={}))


@pytest.mark.parametrize(
    ("lacking", "page", "said"),
    [
        pytest.param(("payer_rules",), "limits", "no payer's limits are on file", id="no rules of the payers"),
        pytest.param(
            ("remit_claims", "remit_lines", "remit_adjustments", "deposits"),
            "denials",
            "too few for a control chart",
            id="no remittances",
        ),
        pytest.param(
            ("remit_claims", "remit_lines", "remit_adjustments", "deposits"),
            "scorecard",
            "nothing to rank",
            id="nobody to rank",
        ),
        pytest.param(
            ("work_log",), "trail", "What was worked, by whom and how long ago cannot be told", id="no work log"
        ),
        pytest.param(("work_log",), "key_accounts", "Whether they are touched in time cannot be told", id="no touches"),
    ],
)
def test_what_is_lacking_is_said(without, page, lacking, said):
    assert said in words_of(getattr(pages_of("ar_deep_dive", without(*lacking)), page)())


def chart(rates: list[float]) -> pd.DataFrame:
    months = pd.date_range("2026-01-01", periods=len(rates), freq="MS")
    return pd.DataFrame(
        {
            "month": months,
            "rate": rates,
            "centre": 0.1,
            "lower": 0.05,
            "upper": 0.15,
            "is_signal": [rate > 0.15 for rate in rates],
        }
    )


@pytest.mark.parametrize(
    ("rates", "since", "said"),
    [
        pytest.param([0.1, 0.09, 0.11, 0.1], None, "no month of 4 lies outside", id="nothing but chance"),
        pytest.param(
            [0.1, 0.09, 0.3, 0.1],
            None,
            "Around 10.0%, 1 month lies outside the limits of chance: Mar 2026 (30.0%).",
            id="one month",
        ),
        pytest.param(
            [0.1, 0.09, 0.3, 0.3],
            "2026-03-01",
            "The rate was 10.0% until it changed in Mar 2026; 2 months lie outside",
            id="a change",
        ),
        pytest.param(
            [0.1, 0.09, 0.12, 0.13],
            "2026-03-01",
            "each month alone could still be chance",
            id="a change that no month shows alone",
        ),
    ],
)
def test_the_sentence_under_the_chart_is_computed(rates, since, said):
    assert said in denials._overall_sentence(chart(rates), since and pd.Period(since, "M"))


def test_the_chart_marks_the_onset_and_what_lies_outside():
    axes = denials.plot_control_chart(
        chart([0.1, 0.09, 0.3, 0.31]), figures.new_axes(2.0), onset=pd.Timestamp("2026-03-10")
    )
    assert any("since Mar 10, 2026" in text.get_text() for text in axes.texts)
    marked = [line for line in axes.lines if line.get_markersize() == 8]
    assert len(marked) == 1 and len(marked[0].get_xdata()) == 2


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ([], ["since Mar 2026"]),
        ([dt.date(2026, 2, 24)], ["Feb 24"]),
        ([dt.date(2026, 1, 9)], ["Jan 9", "since Mar 2026"]),
    ],
)
def test_a_month_that_has_its_known_day_gets_no_second_line(known, words, monkeypatch):
    drawn = []
    draw = denials.plot_control_chart
    monkeypatch.setattr(denials, "plot_control_chart", lambda *a, **k: drawn.append(draw(*a, **k)) or drawn[-1])
    events = [figures.Event(day, "began") for day in known]
    words_of = (
        chart([0.1, 0.09, 0.3, 0.31]).assign(denied=1, decided=10),
        "one",
        "One",
        "Said.",
        pd.Period("2026-03"),
        ("decided", "Decided"),
        events,
    )
    denials._chart(*words_of)
    marks = [text.get_text() for text in drawn[0].texts if text.get_text() != "usual"]
    assert sorted(marks) == sorted(words)


def test_what_payers_changed_stands_with_its_dollars(acorn):
    """The last five lines paid were billed as 99213 and decided as 99212."""
    lines = acorn.tables["remit_lines"].collect()
    last = lines.filter(pl.col("paid_cents") > 0).sort("received_on", "remit_line_id")["remit_line_id"][-5:]
    code = pl.when(pl.col("remit_line_id").is_in(last.to_list())).then(pl.lit("99212")).otherwise("procedure")
    changed = dataclasses.replace(
        acorn, tables={**acorn.tables, "remit_lines": lines.with_columns(procedure=code).lazy()}, _frames={}
    )
    blocks = pages_of("ar_deep_dive", changed).decided()
    assert_prints(blocks)
    found = tables_of(blocks)
    *rows, total = found["recodes"]["rows"]
    assert {tuple(row[1:3]) for row in rows} == {("99213", "99212")}
    place = [column["title"] for column in found["recoded_lines"]["columns"]].index("Lost")
    lost = sum(row[place] for row in found["recoded_lines"]["rows"])
    assert total[4] == sum(row[4] for row in rows) == lost > 0


def test_what_payers_took_back_stands_with_its_dollars(acorn):
    """The last five claims paid are reversed on the last day, without a correction."""
    paid = acorn.tables["remit_claims"].collect()
    last = paid.filter(pl.col("paid_cents") > 0).sort("received_on", "remit_claim_id")[-5:]
    back = last.with_columns(
        status=pl.lit("22"),
        remit_claim_id="back" + pl.col("remit_claim_id"),
        answer_id="back" + pl.col("remit_claim_id"),
        remit_id=pl.lit("back"),
        paid_cents=-pl.col("paid_cents"),
        received_on=pl.lit(acorn.as_of),
    )
    tables = {**acorn.tables, "remit_claims": pl.concat([paid, back]).lazy()}
    subject = dataclasses.replace(acorn, tables=tables, _frames={})
    blocks = pages_of("ar_deep_dive", subject).decided()
    assert_prints(blocks)
    found = tables_of(blocks)
    *rows, total = found["takebacks"]["rows"]
    assert {row[1] for row in rows} >= {"no correction"}
    place = [column["title"] for column in found["takeback_list"]["columns"]].index("Taken back")
    taken = sum(row[place] for row in found["takeback_list"]["rows"])
    assert total[3] == sum(row[3] for row in rows) == taken >= int(last["paid_cents"].sum()) > 0
    actions = [one for one in register(subject) if one.kind == "taken_back"]
    ids = [column["title"] for column in found["takeback_list"]["columns"]].index("Claim")
    listed = {row[ids] for row in found["takeback_list"]["rows"]}
    assert actions and {claim for one in actions for claim in one.claims} <= listed
    assert all(one.due >= acorn.as_of and "disputed until" in one.why for one in actions)


def in_california(acorn):
    """The practice is in California and nobody said whether its plans are insured, but for the first payer: it is."""
    payers = acorn.payers.assign(state="CA")
    private = payers["payer_class"].isin(["commercial", "managed_care"])
    payers.loc[private[private].index[:1], "funding"] = "insured"
    late = acorn.tables["remit_claims"].collect().with_columns(paid_on=pl.col("paid_on").dt.offset_by("60d"))
    tables = {**acorn.tables, "payers": pl.from_pandas(payers).lazy(), "remit_claims": late.lazy()}
    return dataclasses.replace(acorn, tables=tables, payers=payers, _frames={})


def test_interest_for_late_payment_stands_with_its_dollars_and_is_asked_for(acorn):
    subject = in_california(acorn)
    blocks = pages_of("ar_deep_dive", subject).decided()
    assert_prints(blocks)
    found = tables_of(blocks)
    *rows, total = found["prompt_pay"]["rows"]
    place = [column["title"] for column in found["late_payments"]["columns"]].index("To ask for")
    asked = sum(row[place] for row in found["late_payments"]["rows"])
    assert total[4] + total[5] == sum(row[4] + row[5] for row in rows) == asked and total[4] > 0 < total[5]
    action = next(one for one in register(subject) if one.kind == "interest")
    assert action.amount_cents == total[4] and action.sheet == "late_payments"


def test_without_a_state_nothing_is_said_of_interest(acorn):
    assert "prompt_pay" not in tables_of(pages_of("ar_deep_dive", acorn).decided())
