"""What an office's records cannot tell is said on its pages: that nothing is seen in them is no good news.

The office has one row per claim: what was charged, paid and adjusted. Bills, remittances, a work log and the payers'
limits are not on file.
"""

import contextlib
import datetime as dt
import io
import random
import re

import pytest
from cases.desk import CLIENT, blank
from cases.files import answer, claim_837, remit_835

from rcm_analysis.measures.receivable.high_value import escalations, high_value_accounts
from rcm_analysis.models.cash.collectable import collectable_value
from rcm_analysis.models.worklist import worklist
from rcm_analysis.notebook import open_portfolio, open_report

CLOSE = dt.date(2026, 10, 31)
MAP = """name = "records"

[visits]
one_row_per = "claim"

[visits.columns]
claim_id = "Claim"
patient = "Chart"
payer = "Payer"
service_on = "DOS"
charge_cents = "Charge"
paid_cents = "Paid"
paid_on = "Paid on"
adjusted_cents = "Adj"
"""
REASSURING = re.compile(
    r"every claim was sent|No payer (?:allows|is seen)|nothing soon|has used four fifths|touched in the last|"
    r"never touched|Twice overdue|No question|No claim was waiting|No denials arrived|"
    r"Nothing else stands out|No limit ends|Nothing was asked|No patient balance|Nothing was stuck",
    re.IGNORECASE,
)
ROOMS = {
    "client_review": ("answers", "month_adds_up", "denials_and_payers", "ahead_and_owed", "follow_up"),
    "ar_deep_dive": (
        *("answers", "all_findings", "limits", "waits", "denials", "underpayments", "decided"),
        *("key_accounts", "trail", "worklist"),
    ),
    "ar_weekly_review": ("answers", "moved", "blockers", "decisions", "last_week"),
}


def bills() -> str:
    """Two claims a day: of nineteen in twenty the insurer pays seven tenths within sixty days, and leaves $5 open."""
    chance, lines = random.Random(5), ["Claim,Chart,Payer,DOS,Charge,Paid,Paid on,Adj"]
    for number in range(1200):
        day = dt.date(2025, 3, 1) + dt.timedelta(days=number // 2)
        charge, paid_on = chance.choice([100, 400]), day + dt.timedelta(days=chance.randrange(10, 60))
        money = f"{charge * 0.7:.2f},{paid_on},{charge * 0.3 - 5:.2f}"
        is_paid = number % 20 and paid_on <= CLOSE
        lines.append(f"K{number},P{number % 90},Bluex,{day},{charge}.00,{money if is_paid else ',,'}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    made = blank(tmp_path_factory.mktemp("untold"))
    registry = (made.folder / "clients.toml").read_text()
    made.configure("clients.toml", f'{registry}services = ["claims"]\ncolumn_maps = ["records"]\n')
    made.configure("maps/records.toml", MAP)
    made.put("bills.csv", bills())
    return made.store()


@pytest.fixture(scope="module")
def words(desk):
    """Of each room all that is printed: the texts of its blocks, without the tables and lists of the workbook."""
    found = {}
    for template, pages in ROOMS.items():
        with contextlib.redirect_stdout(io.StringIO()):
            review = open_report(desk.folder, CLIENT, "2026-10", template=template).review
            blocks = [block for page in pages for block in getattr(review, page)()]
        payloads = [block.payload for block in blocks if hasattr(block, "payload")]
        found[template] = " ".join(str(one) for one in payloads if one.get("print_it") is not False)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_is_called_in_order_that_nobody_can_tell(words, room):
    assert not REASSURING.findall(words[room])


@pytest.mark.parametrize(
    ("room", "said"),
    [
        ("client_review", "What was worked cannot be told: no work log is on file."),
        ("client_review", "What payers denied cannot be told: no remittance is on file."),
        ("client_review", "What payers remitted cannot be told"),
        ("client_review", "The files do not say what patients owe"),
        ("client_review", "Claims and postings were compared"),
        ("ar_deep_dive", "Limits to file and to appeal cannot be told: no payer's limits are on file."),
        ("ar_deep_dive", "Whether they are touched in time cannot be told"),
        ("ar_deep_dive", "Whether payers allow too little cannot be judged"),
        ("ar_weekly_review", "What came of the last list cannot be told"),
    ],
)
def test_what_cannot_be_told_is_said(words, room, said):
    assert said in words[room]


def test_no_account_is_overdue_for_a_touch_that_nobody_recorded(desk):
    with contextlib.redirect_stdout(io.StringIO()):
        tables = open_report(desk.folder, CLIENT, "2026-10", template="ar_deep_dive").subject.tables
    accounts = high_value_accounts(tables, as_of=CLOSE)
    assert len(accounts) and accounts["next_touch_on"].isna().all() and escalations(tables, as_of=CLOSE).empty


def test_the_payers_days_and_chances_come_from_posted_payments(desk):
    """Payments come within sixty days: a new claim is likely paid by itself, one of four months waits in vain, and
    one of over a year is past every limit to file that is known."""
    with contextlib.redirect_stdout(io.StringIO()):
        tables = open_report(desk.folder, CLIENT, "2026-10", template="ar_deep_dive").subject.tables
    found = worklist(tables, as_of=CLOSE)
    waiting = found[(found["status"] == "processing") & (found["open_cents"] == 40_000)]
    ages = {"new": waiting["age_days"] < 30, "old": waiting["age_days"].between(120, 360)}
    ages["stale"] = waiting["age_days"] > 370
    uplift = {name: waiting.loc[rows, "uplift"].max() for name, rows in ages.items()}
    added = {name: waiting.loc[rows, "recoverable_cents"].max() for name, rows in ages.items()}
    assert uplift["new"] < 0.1 and uplift["old"] == 1 and set(waiting.loc[ages["new"], "tier"]) == {"waiting"}
    assert 0 < added["stale"] < added["old"] / 5
    assert "(5" in waiting.loc[ages["old"], "reason"].iloc[0], "days that this payer usually takes, of 10 to 59"


@pytest.fixture(scope="module")
def of_files_alone(tmp_path_factory):
    """A client of 837s and 835s alone: of thirty claims of $100 the payer pays $60 and leaves $20 to the patient."""
    made = blank(tmp_path_factory.mktemp("x12"))
    for number in range(30):
        day = dt.date(2026, 4, 1) + dt.timedelta(days=6 * number)
        sent, paid = f"{day + dt.timedelta(days=3):%Y%m%d}", f"{day + dt.timedelta(days=30):%Y%m%d}"
        claim = {"day": sent, "served": f"{day:%Y%m%d}", "member": f"M{number}", "control": number + 1}
        made.put(f"{number}.837", claim_837(f"C{number}", "100", **claim))
        said = answer(f"C{number}", "100", "60", "CO*45*20", "PR*2*20", icn=f"P{number}")
        made.put(f"{number}.835", remit_835("60", said, trace=f"T{number}", day=paid, control=number + 1))
    return made.store()


def test_patients_who_may_have_paid_are_not_said_to_owe(of_files_alone):
    """No claim file and no remittance tells what patients paid: it is said on page one, counts in no day of the
    receivable, and nobody is sent a statement."""
    with contextlib.redirect_stdout(io.StringIO()):
        report = open_report(of_files_alone.folder, CLIENT, "2026-10", template="client_review")
        said = " ".join(str(block) for block in (*report.review.answers(), *report.review.ahead_and_owed()))
    tables = report.subject.tables
    assert "30 claims left to patients, with nothing on file of what patients paid ($600, 100.0% of balances" in said
    assert "Days of charges still owed by insurers" in said and "$600 was left to patients; nothing is on file" in said
    assert "Patients owe $" not in said and "came in from insurers during October" in said
    assert worklist(tables, as_of=CLOSE).empty
    worth = collectable_value(tables, as_of=CLOSE).iloc[0]
    assert (worth["open_cents"], worth["unknown_cents"], worth["lost_cents"]) == (60_000, 60_000, 0)


def test_the_book_marks_a_client_between_whose_records_something_is_missing(of_files_alone):
    with contextlib.redirect_stdout(io.StringIO()):
        league = next(block for block in open_portfolio(of_files_alone.folder, "2026-10").review.league() if block.rows)
    assert league.rows[0][0] == "Acme Ortho †"
    assert "left to patients, with nothing on file of what patients paid ($600)" in str(league.payload["notes"])
