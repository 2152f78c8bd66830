"""open_report and open_portfolio: what a template gets, and what is refused before anything is shown."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from rcm_analysis import notebook
from rcm_analysis.errors import ClientError, ParameterError, RcmError
from rcm_analysis.exhibits import blocks
from rcm_analysis.measures.receivable import ar
from rcm_analysis.notebook.opening import version
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.store import Store
from rcm_analysis.tables.workspace import open_workspace

WITH_DATA = {"going_on"}
"""Pages that stand only where a client records what they tell of."""
REGISTRY = """
[firm]
name = "Lantern Billing Partners"
[payers.acme]
name = "Acme Health"
[clients.acorn-clinic]
name = "Acorn Clinic"
providers = 2
revenue = "300000.00"
commission_rate = "0.06"
meeting_cadence = "monthly"
assigned_to = "Jane Smith"
[[clients.acorn-clinic.changes]]
effective = 2026-11-01
providers = 3
[clients.birch-eyes]
name = "Birch Eyes"
providers = 4
revenue = "500000.00"
commission_rate = "0.05"
meeting_cadence = "weekly"
assigned_to = "John Doe"
"""


def posting(place: int, day: dt.date, cents: int, kind: str = "charge") -> dict:
    return {
        "client": "acorn-clinic",
        "transaction_id": f"t{place}",
        "claim_id": "1",
        "kind": kind,
        "party": "primary",
        "amount_cents": cents,
        "happened_on": day,
        "posted_on": day,
        "payer": "acme",
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with one client that has postings in September and October 2026, and one without any."""
    (tmp_path / "rcm.toml").write_text("[paths]\n")
    (tmp_path / "clients.toml").write_text(REGISTRY)
    rows = [
        posting(1, dt.date(2026, 9, 3), 10000),
        posting(2, dt.date(2026, 10, 5), -4000, "payment"),
        posting(3, dt.date(2026, 11, 2), -1000, "payment"),
    ]
    claim = {
        "client": "acorn-clinic",
        "claim_id": "1",
        "claim_type": "professional",
        "payer": "acme",
        "service_on": dt.date(2026, 9, 1),
        "entered_on": dt.date(2026, 9, 3),
        "charge_cents": 10000,
    }
    with Store(tmp_path / "store").change("acorn-clinic") as change:
        change.replace_all(TABLES["transactions"], pl.DataFrame(rows, schema=TABLES["transactions"].polars))
        change.replace_all(TABLES["claims"], pl.DataFrame([claim], schema=TABLES["claims"].polars))
    return tmp_path


@pytest.fixture
def shown(monkeypatch) -> list[blocks.Block]:
    """The blocks displayed, in order."""
    seen: list[blocks.Block] = []
    monkeypatch.setattr(
        blocks, "emit", lambda exhibit: seen.extend([exhibit] if isinstance(exhibit, blocks.Block) else exhibit)
    )
    monkeypatch.setattr(blocks, "emit_unseen", seen.append)
    return seen


@pytest.fixture
def under_the_press(monkeypatch) -> None:
    """A notebook that the press runs, and not an analyst."""
    monkeypatch.setenv("RCM_REPORT", "1")


def test_at_the_bench_nothing_is_printed_that_was_not_asked_for(place, shown):
    report = notebook.open_report(place, "acorn-clinic", "2026-10")
    assert shown == []
    report.show_note("Asked for.")
    report.show_note("Once more.")
    assert [block.payload["kind"] for block in shown] == ["meta", "inputs", "note", "note"]


@pytest.mark.parametrize("client", ["Acorn Clinic", "acorn clinic", "acorn-clinic"])
@pytest.mark.parametrize("period", ["2026-10", dt.date(2026, 10, 5)])
def test_a_client_is_found_by_its_name_and_a_month_by_a_day(place, shown, client, period):
    report = notebook.open_report(place, client, period)
    assert (report.client.client, report.period.label) == ("acorn-clinic", "2026-10")


def test_a_folder_inside_a_workspace_is_in_it(place, shown):
    (place / "notebooks").mkdir()
    assert open_workspace(place / "notebooks").folder == place.resolve()


def test_without_a_template_the_pages_of_every_report_are_there(place, shown):
    report = notebook.open_report(place, "acorn-clinic", "2026-10")
    assert {"aging", "numbers", "ar_deep_dive"} <= set(dir(report.review))
    assert report.review.aging() and report.review.ar_deep_dive.movement()
    with pytest.raises(AttributeError, match="This report has no page 'agings'.*Closest: aging"):
        report.review.agings  # noqa: B018


def test_a_report_says_first_what_it_is_and_what_went_in(place, shown, under_the_press):
    notebook.open_report(place, "acorn-clinic", "2026-10", template="client_review")
    meta, inputs = (block.payload for block in shown)
    assert meta == {
        "kind": "meta",
        "title": "Report",  # the press takes it from the template's card
        "client": "acorn-clinic",
        "client_name": "Acorn Clinic",
        "period": "2026-10",
        "period_title": "October 2026",
        "as_of": "2026-10-31",
        "firm": "Lantern Billing Partners",
        "template": "client_review",
        "template_version": version("rcm_analysis"),
        "layout": "brief",  # from the cover of the template's pages
    }
    assert [table["table"] for table in inputs["tables"]] == list(TABLES)
    assert all(len(table["fingerprint"]) == 64 for table in inputs["tables"])
    assert {table["table"]: table["rows"] for table in inputs["tables"]}["transactions"] == 3


def test_the_tables_are_those_known_on_the_last_day(place, shown):
    report = notebook.open_report(place, "acorn-clinic", "2026-10")
    assert report.as_of == dt.date(2026, 10, 31)
    assert report.tables["transactions"].collect()["transaction_id"].to_list() == ["t1", "t2"]
    assert report.client.providers == 2
    assert notebook.open_report(place, "acorn-clinic", "2026-11").client.providers == 3


@pytest.mark.parametrize(
    ("client", "period", "error", "words"),
    [
        pytest.param("acorn-clinik", "2026-10", ClientError, "Closest: acorn-clinic", id="a client that is misspelt"),
        pytest.param("acorn-clinic", "October", ParameterError, "YYYY-MM", id="a period that is no month"),
        pytest.param(
            "acorn-clinic",
            "2026-12",
            ParameterError,
            "no postings in 2026-12; its postings run from 2026-09 to 2026-11",
            id="a period after the data",
        ),
        pytest.param(
            "birch-eyes", "2026-10", ParameterError, "Nothing is stored for birch-eyes yet", id="a client without data"
        ),
    ],
)
def test_what_cannot_be_reported_is_refused_and_nothing_is_shown(place, shown, client, period, error, words):
    with pytest.raises(error, match=words):
        notebook.open_report(place, client, period)
    assert shown == []


def test_a_weekly_report_stands_on_its_own_day_and_is_brief(place, shown, under_the_press):
    report = notebook.open_report(place, "acorn-clinic", "2026-10", template="ar_weekly_review", as_of="2026-10-02")
    assert report.as_of == dt.date(2026, 10, 2)
    assert report.tables["transactions"].collect()["transaction_id"].to_list() == ["t1"]
    meta = shown[0].payload
    assert (meta["as_of"], meta["period"], meta["period_title"], meta["layout"]) == (
        "2026-10-02",
        "2026-10",
        "Seven days to October 2, 2026",
        "brief",
    )
    assert report.subject.parameters["as_of"] == "2026-10-02"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        pytest.param("2026-11-01", "lies in its month, 2026-10-01 to 2026-10-31", id="a day of another month"),
        pytest.param("last friday", "written YYYY-MM-DD", id="a day in words"),
    ],
)
def test_a_day_that_cannot_be_is_refused(place, shown, day, words):
    with pytest.raises(ParameterError, match=words):
        notebook.open_report(place, "acorn-clinic", "2026-10", template="ar_weekly_review", as_of=day)
    assert shown == []


def test_a_day_long_after_the_last_posting_is_refused(place, shown):
    with pytest.raises(ParameterError, match="no postings in"):
        notebook.open_report(place, "acorn-clinic", "2027-03", template="ar_weekly_review", as_of="2027-03-05")
    assert shown == []


def test_a_folder_that_is_no_workspace_is_refused(tmp_path):
    with pytest.raises(RcmError, match="is not a workspace"):
        notebook.open_report(tmp_path / "nowhere", "acorn-clinic", "2026-10")


def test_an_investigation_can_show_its_own_results(place, shown, under_the_press):
    from rcm_analysis.exhibits.tables import Shown

    report = notebook.open_report(place, "acorn-clinic", "2026-10")
    report.show_note("A look of our own.")
    report.show_table(
        report.subject.pandas("claims"),
        [Shown("claim_id", "Claim")],
        name="mine",
        title="Mine",
        definition="Claims of the client.",
    )
    assert [block.payload["kind"] for block in shown[2:]] == ["note", "table"]


def test_any_measure_of_the_menu_is_one_line(place, shown):
    report = notebook.open_report(place, "acorn-clinic", "2026-10")
    found = report.measure("open_balances")
    pd.testing.assert_frame_equal(found, ar.open_balances(report.tables, as_of=report.as_of))
    assert report.measure("charges", period=report.period.shift(-1))["charge_cents"].tolist() == [10000]
    assert report.measure("aged_share_90", by=["payer"]).equals(
        ar.aged_share(report.tables, as_of=report.as_of, by=["payer"], days=90)
    )
    readable = report.readable(found)
    assert "$60" in repr(readable) and readable["ar_cents"].tolist() == [6000], "for the eye; the values still plot"


def test_what_is_looked_at_says_what_it_is(place, shown):
    opened, tables = open_workspace(place), notebook.open_report(place, "acorn-clinic", "2026-10").tables
    assert repr(opened) == f"Workspace {place}; .clients(), .client(id)"
    assert repr(opened.client("acorn-clinic")).startswith(f"ClientView acorn-clinic of {place}")
    assert repr(tables).startswith("Tables as known on 2026-10-31: claims, ")
    with pytest.raises(KeyError, match="Closest: claims"):
        tables["claimz"]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        pytest.param("days_in_a", {}, "Closest: days_in_ar", id="a measure that is misspelt"),
        pytest.param("days_in_ar", {"bye": ["payer"]}, "takes no bye.*Closest: by", id="an option that is misspelt"),
        pytest.param("client_ratings", {}, "also needs clients", id="a measure of the book"),
    ],
)
def test_a_measure_that_cannot_be_is_refused_in_one_line(place, shown, name, options, words):
    report = notebook.open_report(place, "acorn-clinic", "2026-10")
    with pytest.raises(ParameterError, match=words) as stopped:
        report.measure(name, **options)
    assert stopped.value._render_traceback_() == [f"ParameterError: {stopped.value}"]


def test_a_portfolio_names_every_clients_inputs(place, shown, under_the_press):
    report = notebook.open_portfolio(place, "2026-10")
    kinds = [block.payload["kind"] for block in shown]
    assert kinds == ["meta", "inputs", "inputs"]
    assert shown[0].payload["client_name"] == "All clients"
    assert report.subject.clients["client"].tolist() == ["acorn-clinic", "birch-eyes"]


def test_a_portfolio_of_one_manager_holds_only_their_clients(place, shown, under_the_press):
    report = notebook.open_portfolio(place, "2026-10", manager="Jane Smith")
    assert report.subject.clients["client"].tolist() == ["acorn-clinic"]
    assert shown[0].payload["client_name"] == "Jane Smith"


@pytest.mark.parametrize(
    ("period", "manager", "words"),
    [
        pytest.param("2026-10", "Jane Smiht", "Closest: Jane Smith", id="a manager that is misspelt"),
        pytest.param(
            "2027-03", "everyone", "No client of this book has postings in 2027-03", id="a month without data"
        ),
        pytest.param(
            "2026-10", "John Doe", "No client of this book has postings", id="a manager whose clients have no data"
        ),
    ],
)
def test_a_portfolio_that_cannot_be_reported_is_refused(place, shown, period, manager, words):
    with pytest.raises(ParameterError, match=words):
        notebook.open_portfolio(place, period, manager=manager)
    assert shown == []


@pytest.mark.parametrize("template", ["self_pay_review", "patient_engagement_review"])
def test_a_report_of_a_service_that_is_not_bought_is_refused_in_a_sentence(place, shown, template):
    words = (
        r"^acorn-clinic has not bought the service \w+, only claims, so it gets no report of it\. Nothing was run\.$"
    )
    with pytest.raises(ClientError, match=words):
        notebook.open_report(place, "acorn-clinic", "2026-10", template=template)
    assert shown == []


@pytest.mark.parametrize(
    "template", ["client_review", "ar_deep_dive", "ar_weekly_review", "self_pay_review", "patient_engagement_review"]
)
def test_every_page_of_a_review_stands_for_a_client_with_one_claim(place, shown, template):
    bought = 'name = "Acorn Clinic"\nservices = ["claims", "self_pay", "patient_engagement"]\n'
    (place / "clients.toml").write_text(REGISTRY.replace('name = "Acorn Clinic"\n', bought))
    report = notebook.open_report(place, "acorn-clinic", "2026-10", template=template)
    for name in dir(report.review):
        before = len(shown)
        report.show(getattr(report.review, name)())
        assert len(shown) > before or name in WITH_DATA, name


OWN = '''
from rcm_analysis.exhibits.blocks import note
from rcm_analysis.exhibits.pages import page

def helper(subject): return "no page"

@page
def answers(subject):
    """What my manager asks first."""
    return [note(f"{subject.client.name}: {len(subject.pandas('claims'))} claim, WORD")]
'''


@pytest.fixture
def own(place) -> Path:
    """An analyst's own template folder, named in rcm.toml."""
    folder = place / "mine"
    folder.mkdir()
    (place / "rcm.toml").write_text((place / "rcm.toml").read_text().replace("[paths]", "[paths]\ntemplates = 'mine'"))
    return folder


def test_an_analysts_template_brings_its_exhibits_and_the_package_knows_nothing_of_it(place, own, shown):
    (own / "my_review.py").write_text(OWN.replace("WORD", "first"))
    report = notebook.open_report(place, "acorn-clinic", "2026-10", template="my_review")
    report.show(report.review.answers())
    assert shown[-1].payload["text"] == "Acorn Clinic: 1 claim, first" and dir(report.review) == ["answers"]
    (own / "my_review.py").write_text(OWN.replace("WORD", "second"))
    report = notebook.open_report(place, "acorn-clinic", "2026-10", template="my_review")
    report.show(report.review.answers())
    assert shown[-1].payload["text"].endswith("second"), "what was edited is read when the report is opened again"


def test_exhibits_may_be_a_folder_with_facts_and_a_cover(place, own, shown, under_the_press):
    (own / "my_review").mkdir()
    (own / "my_review" / "__init__.py").write_text('"""Mine."""\n')
    (own / "my_review" / "facts.py").write_text(
        "class Facts:\n    cover = {'layout': 'brief'}\n    def __init__(self, subject): self.subject = subject\n"
        "    @property\n    def word(self): return 'told from facts'\n"
    )
    (own / "my_review" / "answers.py").write_text(
        "from rcm_analysis.exhibits.blocks import note\nfrom rcm_analysis.exhibits.pages import page\n"
        "from .facts import Facts\n\n@page\ndef answers(facts: Facts): return [note(facts.word)]\n"
    )
    report = notebook.open_report(place, "acorn-clinic", "2026-10", template="my_review")
    report.show(report.review.answers())
    assert shown[0].payload["layout"] == "brief" and shown[0].payload["period_title"] == "October 2026"
    assert shown[-1].payload["text"] == "told from facts"


def test_a_copied_template_keeps_the_exhibits_of_the_package(place, own, shown):
    assert "aging" in dir(notebook.open_report(place, "acorn-clinic", "2026-10", template="client_review").review)


@pytest.mark.parametrize(
    ("template", "page", "words"),
    [
        pytest.param("client_review", "agings", "client_review has no page 'agings'.*Closest: aging", id="misspelt"),
        pytest.param(
            "my_review", "answers", "my_review has no page 'answers'. It has none.*my_review.py", id="without"
        ),
        pytest.param("blocks", "note", "blocks has no page 'note'", id="a name that a module of the package bears"),
    ],
)
def test_a_page_that_is_not_there_is_named(place, own, shown, template, page, words):
    report = notebook.open_report(place, "acorn-clinic", "2026-10", template=template)
    with pytest.raises(AttributeError, match=words):
        getattr(report.review, page)


def test_two_pages_of_one_name_are_refused(place, own, shown):
    (own / "my_review").mkdir()
    for name in ("__init__", "more"):
        (own / "my_review" / f"{name}.py").write_text(OWN)
    with pytest.raises(ParameterError, match="my_review has two pages 'answers'; the second stands in .*more.py"):
        notebook.open_report(place, "acorn-clinic", "2026-10", template="my_review")
