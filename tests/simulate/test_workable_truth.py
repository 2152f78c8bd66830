"""The worklist's truth: what a touch adds to each open item, from the luck of the claims and from nobody's score."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from rcm_analysis import simulate
from rcm_analysis.ledger.balances import claim_balances
from rcm_analysis.models.worklist.ranking import worklist
from rcm_analysis.scoreboard.scores.worklist import added_by_policy, said_and_added
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables.workspace import open_workspace

CLIENT = "chicago-med"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workable")
    simulate.write_company(folder, clients=[CLIENT], months=12, scale=0.4, seed=4)
    opened = open_workspace(folder)
    opened.pseudonym_key()
    ingest_client(opened, CLIENT, find_files(opened)[CLIENT])
    days = simulate.read_truth(folder).sums[CLIENT]["workable"]
    frames = {
        dt.date.fromisoformat(day["as_of"]): pd.DataFrame(
            day["items"], columns=["claim_id", "party", "gain_cents", "minutes"]
        )
        for day in days
    }
    return opened.client(CLIENT), frames


def test_the_days_are_month_ends_two_months_apart_and_leave_room_after_them(made):
    _, frames = made
    days = sorted(frames)
    assert [day.isoformat() for day in days] == ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31", "2026-09-30"]


def test_the_items_are_the_open_balances_of_the_day(made):
    view, frames = made
    for day, truth in frames.items():
        owed = claim_balances(view.tables(as_of=day), as_of=day).collect().to_pandas()
        owed = owed[owed["balance_cents"] > 0]
        assert set(zip(truth["claim_id"], truth["party"], strict=True)) == set(
            zip(owed["claim_id"], owed["party"], strict=True)
        )
        both = truth.merge(owed, on=["claim_id", "party"])
        assert (both["gain_cents"] <= both["balance_cents"]).all() and (both["gain_cents"] >= 0).all()
        assert both["minutes"].between(3, 24).all()


def test_most_open_items_need_no_work_and_some_do(made):
    _, frames = made
    gains = pd.concat(frames.values())["gain_cents"] > 0
    assert 0.02 < gains.mean() < 0.25


def test_what_the_payer_is_about_to_answer_gains_nothing(made):
    """Claims sent in the two weeks before a day: nobody can yet know more than that they were sent."""
    view, frames = made
    day = max(frames)
    sent = view.pandas("submissions", as_of=day)
    answered = set(view.pandas("remit_claims", as_of=day)["claim_id"])
    failed = set(view.pandas("claim_edits", as_of=day).query("result == 'failed'")["claim_id"])
    first = sent.groupby("claim_id")["submitted_on"].min()
    fresh = set(first[first > pd.Timestamp(day) - pd.Timedelta(days=14)].index) - answered - failed
    truth = frames[day]
    rows = truth[truth["claim_id"].isin(fresh) & (truth["party"] == "primary")]
    assert len(rows) > 20 and (rows["gain_cents"] == 0).all()


def test_a_denial_that_was_reworked_and_won_is_a_gain_before_the_rework_and_none_while_it_runs(made):
    view, frames = made
    log = view.pandas("work_log")
    won = (
        log[log["outcome"].isin(["overturned", "paid"]) & log["action"].isin(["appeal", "corrected_claim"])]
        .drop_duplicates("claim_id")
        .set_index("claim_id")["worked_on"]
    )
    begun = (
        log[log["outcome"].eq("in_process") & log["action"].isin(["appeal", "corrected_claim"])]
        .drop_duplicates("claim_id")
        .set_index("claim_id")["worked_on"]
    )
    remits = (
        view.pandas("remit_claims")
        .query("payer_order == 'primary'")
        .sort_values("received_on")
        .drop_duplicates("claim_id")
        .set_index("claim_id")["received_on"]
    )
    before, during = [], []
    for day, truth in frames.items():
        today = pd.Timestamp(day)
        gains = truth[truth["party"] == "primary"].set_index("claim_id")["gain_cents"]
        for claim in gains.index.intersection(won.index):
            if remits[claim] <= today < begun[claim]:
                before.append(gains[claim])
            elif begun[claim] <= today < won[claim] - pd.Timedelta(days=4):
                during.append(gains[claim])
    assert len(before) >= 10 and sum(gain > 0 for gain in before) >= 0.8 * len(before), (
        "won later; but where the deductible takes all of it"
    )
    assert len(during) >= 3 and not any(during)


def test_the_same_minutes_for_every_policy_by_hand():
    """The list works b, then a; the oldest is c, then b; the largest is c, then w; p is a patient's, s is small, w
    waits."""
    items = pd.DataFrame(
        {
            "claim_id": ["b", "a", "c", "w", "s", "p"],
            "party": ["primary"] * 5 + ["patient"],
            "open_cents": [5_000, 2_000, 9_000, 8_000, 500, 9_999],
            "age_days": [30, 20, 400, 10, 900, 999],
            "tier": ["deadline", "list", "list", "waiting", "small", "waiting"],
        }
    )
    truth = pd.DataFrame(
        {
            "claim_id": ["a", "b", "c", "w", "s", "p"],
            "party": ["primary"] * 5 + ["patient"],
            "gain_cents": [1_000, 3_000, 0, 0, 400, 9_000],
            "true_minutes": [4, 6, 10, 3, 1, 1],
        }
    )
    assert added_by_policy(items, truth, 10, {}) == {"list": 4_000, "oldest": 0, "largest": 0}
    assert added_by_policy(items, truth, 16, {}) == {"list": 4_000, "oldest": 3_000, "largest": 0}
    assert added_by_policy(items, truth, 5, {}) == {"list": 0, "oldest": 0, "largest": 0}
    assert added_by_policy(items.head(0), truth, 16, {}) == {"list": 0, "oldest": 0, "largest": 0}
    done: dict[str, set] = {}
    assert added_by_policy(items, truth, 10, done) == {"list": 4_000, "oldest": 0, "largest": 0}
    assert added_by_policy(items, truth, 10, done) == {"list": 0, "oldest": 4_000, "largest": 3_000}, (
        "nothing is worked twice"
    )


def test_the_dollars_that_the_list_says_work_adds_are_those_that_it_adds(made):
    """Over five month ends; what would have come untouched was half of it when it was counted as won."""
    view, frames = made
    said, added = np.zeros(2), np.zeros(2)
    for day, truth in frames.items():
        items = worklist(view.tables(as_of=day), as_of=day)
        both = said_and_added(items, truth)
        waiting = said_and_added(
            items.assign(tier=items["tier"].replace({"waiting": "list", "list": "waiting", "deadline": "waiting"})),
            truth,
        )
        said, added = said + (both[0], waiting[0]), added + (both[1], waiting[1])
    assert 0.8 < said[0] / added[0] < 1.25, "what is to be done"
    assert 0.6 < said[1] / added[1] < 1.7, "what waits: little of a large sum, so less surely"


def test_some_notes_that_wait_for_somebody_name_the_day_for_asking_again_and_the_list_follows_them(made):
    view, frames = made
    log = view.pandas("work_log")
    waits = log["outcome"].isin(["waiting_on_client", "waiting_on_payer", "in_process"]) & ~log["action"].eq(
        "statement"
    )
    named = log["next_on"].notna()
    assert 0.3 < named[waits].mean() < 0.5 and not named[~waits].any()
    assert (log["next_action"].notna() == named).all() and set(log.loc[named, "next_action"]) == {"follow_up"}
    assert (log.loc[named, "next_on"] - log.loc[named, "worked_on"]).dt.days.between(18, 66).all()
    day = max(frames)
    items = worklist(view.tables(as_of=day), as_of=day)
    due, promised = items["reason"].str.startswith("Due since "), items["reason"].str.contains(" is promised for ")
    assert due.any() and not items.loc[due, "tier"].isin(["waiting"]).any()
    assert promised.any() and items.loc[promised, "tier"].isin(["waiting", "small", "deadline"]).all()
