"""`rcm alerts`: what is new is told once, a stopped feed is found, nothing told is lost."""

import datetime as dt

import pandas as pd
import pytest
from cases.desk import REGISTRY, blank
from cases.files import MAP, answer, claim_837, export, posting, remit_835

from rcm_analysis.measures.portfolio.ratings import rating_falls
from rcm_analysis.models.detection.stopped_feeds import stopped_feeds


def weekly(weeks, start=dt.date(2026, 1, 2)):
    return [start + dt.timedelta(weeks=week) for week in range(weeks)]


@pytest.mark.parametrize(
    ("days", "as_of", "silent"),
    [
        (weekly(7), dt.date(2026, 2, 27), []),  # fourteen days: the week, and a week
        (weekly(7), dt.date(2026, 2, 28), [15]),
        (weekly(6), dt.date(2026, 6, 30), []),  # five gaps are no rhythm
        ([dt.date(2025, month, 28) for month in range(1, 13)], dt.date(2026, 2, 4), []),  # 31 and 7 days
        ([dt.date(2025, month, 28) for month in range(1, 13)], dt.date(2026, 2, 5), [39]),
        (weekly(30) + weekly(30, dt.date(2026, 12, 4)), dt.date(2027, 7, 10), [15]),  # one long silence is no habit
        (weekly(7) + [dt.date(2026, 4, 3)], dt.date(2026, 2, 28), [15]),  # what came later is not known yet
    ],
)
def test_a_feed_stops_by_its_own_rhythm(days, as_of, silent):
    assert stopped_feeds({"a": days}, as_of=as_of)["silent_days"].tolist() == silent


def rated(*pairs):
    rows = [{"client": name, "providers": 1, "revenue_cents": cents} for name, cents in pairs]
    return pd.DataFrame(rows).assign(meeting_cadence="monthly")


def test_a_rating_fall_triggers_by_two_letters_or_two_months():
    high, low = 13_000_000, 9_000_000
    at_once = rating_falls(rated(("a", high)), rated(("a", high)), rated(("a", low)), as_of=dt.date(2026, 10, 31))
    assert at_once[["steps", "is_triggered", "cadence"]].values.tolist() == [[2, True, "biweekly"]]
    assert at_once["cause_by"].item() == pd.Timestamp(2026, 11, 6), "five business days after Friday the 30th"
    assert at_once["review_by"].item() == pd.Timestamp(2027, 1, 29)
    weekly_now = rated(("a", high)).assign(meeting_cadence="weekly")
    one = rating_falls(rated(("a", high)), rated(("a", high)), weekly_now, as_of=dt.date(2026, 10, 31))
    assert one[["steps", "is_triggered"]].values.tolist() == [[1, False]] and one["plan_by"].isna().all()
    two = rating_falls(rated(("a", high)), weekly_now, weekly_now, as_of=dt.date(2026, 10, 31))
    assert two["is_triggered"].tolist() == [True] and two["cadence"].tolist() == ["weekly"]
    assert rating_falls(rated(("a", low)), rated(("a", low)), rated(("a", high)), as_of=dt.date(2026, 10, 31)).empty
    assert rating_falls(rated(("b", high)), rated(("b", high)), rated(("a", low)), as_of=dt.date(2026, 10, 31)).empty


def desk_with_limits(tmp_path):
    desk = blank(tmp_path, column_map=MAP + LIMITS)
    desk.put("t.csv", export(posting(1, "A1", "CHG", "01/05/2026", "64.00")))
    desk.put("limits.csv", "Payer,From,File,Appeal\nMedicare Part B,01/01/2020,90,30\n")
    desk.put("a.837", claim_837("A1", "64"))
    desk.put("b.835", remit_835("0", answer("A1", "64", "0", "CO*16*64", status="4")))
    return desk.ingest()


LIMITS = """
[payer_rules]
delivery = "full"
date_formats = ["%m/%d/%Y"]

[payer_rules.columns]
payer = ["Payer"]
effective_from = ["From"]
filing_limit_days = ["File"]
appeal_limit_days = ["Appeal"]
"""


def test_what_is_new_is_told_once_and_names_nobody(tmp_path):
    desk = desk_with_limits(tmp_path)
    day = dt.date(2026, 3, 9)
    code, text = desk.rcm("alerts", "--as-of", str(day), "--to", str(tmp_path / "letter"))
    assert code == 3 and "1 account to appeal or correct [64.00], the first by 2026-03-12." in text
    letter = (tmp_path / "letter.txt").read_text()
    assert "1 account to appeal or correct" in letter and "<b>acme</b>" in (tmp_path / "letter.html").read_text()
    assert "A1" not in text.replace("PAYER01", "") and "A1" not in letter
    assert desk.rcm("alerts", "--as-of", str(day)) == (0, f"Nothing new as of {day}.\n")
    assert "A1" not in (desk.folder / "store" / "acme.told.json").read_text()


def test_what_was_not_sent_is_told_again(tmp_path):
    desk = desk_with_limits(tmp_path)
    desk.configure("rcm.toml", '[mail]\nhost = "127.0.0.1"\nport = 9\nsender = "a@b"\nto = ["c@d"]\n')
    assert desk.rcm("alerts", "--as-of", "2026-03-09", "--mail")[0] == 1
    assert desk.rcm("alerts", "--as-of", "2026-03-09")[0] == 3


def test_a_damaged_memory_is_said_and_stops_no_other_client(tmp_path):
    desk = desk_with_limits(tmp_path)
    (desk.folder / "store" / "acme.told.json").write_text("{")
    code, text = desk.rcm("alerts", "--as-of", "2026-01-31")
    assert code == 1 and "Take the file away" in text


def test_an_export_that_stopped_is_told_by_the_days_that_its_files_hold(tmp_path):
    desk = blank(tmp_path, column_map=MAP)
    for month in range(1, 9):
        rows = export(posting(month, f"A{month}", "CHG", f"{month:02d}/28/2025", "64.00"))
        desk.put(f"t{month}.csv", rows)
    desk.store()
    assert "exports of transactions" not in desk.rcm("alerts", "--as-of", "2025-10-05")[1]
    assert "No exports of transactions since 2025-08-28, for 39 days" in desk.rcm("alerts", "--as-of", "2025-10-06")[1]


def test_a_fallen_rating_is_told_with_what_follows(tmp_path):
    desk = desk_with_limits(tmp_path)
    change = '\n[[clients.acme.changes]]\neffective = 2026-01-15\nrevenue = "100000.00"\n'
    desk.configure("clients.toml", REGISTRY + 'column_maps = ["pm"]\n' + change)
    text = desk.rcm("alerts", "--as-of", "2026-02-10")[1]
    assert "The rating fell from A to C. A note on the cause is due by 2026-02-06" in text
    assert "The rating fell" not in desk.rcm("alerts", "--as-of", "2026-02-11")[1]
