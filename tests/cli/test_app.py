"""The command line: one clear message and an exit code for everything a user can put right."""

import json
import re
import shutil

import pytest

from rcm_analysis import simulate
from rcm_analysis.cli import app as cli
from rcm_analysis.cli import data as cli_data
from rcm_analysis.cli.ahead import work_out_ahead
from rcm_analysis.exhibits.pages import Pages
from rcm_analysis.notebook import open_report
from rcm_analysis.press.runs import run
from rcm_analysis.sources.notes import IntakeReport
from rcm_analysis.tables import derived
from rcm_analysis.tables.workspace import open_workspace

CLIENT = "dr-suess"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A simulated client, taken in once; tests that change it copy it."""
    folder = tmp_path_factory.mktemp("made")
    simulate.write_company(folder, clients=[CLIENT], months=18, scale=0.3)
    with pytest.raises(SystemExit) as stop:
        cli.main(["ingest", "--workspace", str(folder), "--workers", "1"])
    assert stop.value.code == 0
    return folder


@pytest.fixture
def workspace(made, tmp_path):
    return shutil.copytree(made, tmp_path / "workspace")


def rcm(capsys, *words) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        cli.main([str(word) for word in words])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


def one_message(err: str) -> str:
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["check", "--workspace", "nowhere"], "is not a workspace", id="no workspace"),
        pytest.param(["check", "--client", "dr-sues"], "Closest: dr-suess", id="an unknown client names the closest"),
        pytest.param(["check", "--period", "2026-13"], "YYYY-MM", id="an impossible month"),
        pytest.param(["ingest", "nowhere.csv"], "no such file", id="a file that is not there"),
        pytest.param(
            ["run", "client_revue", "--client", CLIENT],
            "Closest: client_review",
            id="an unknown template names the closest",
        ),
        pytest.param(
            ["run", "client_review", "--client", CLIENT, "-p", "cleint=x"],
            "no parameter 'cleint'",
            id="an unknown parameter",
        ),
        pytest.param(
            ["run", "client_review", "--client", CLIENT, "-p", "period"], "NAME=VALUE", id="a parameter without a value"
        ),
        pytest.param(["run", "client_review"], "client must be given", id="no client"),
        pytest.param(
            ["run", "ar_weekly_review", "--client", CLIENT, "-p", "week_ending=tuesday"],
            "week_ending must be a day written YYYY-MM-DD",
            id="a word for a day",
        ),
        pytest.param(["packets", "--client", "nobody"], "No client 'nobody'", id="packets for an unknown client"),
        pytest.param(["chek"], "No such command", id="an unknown command"),
        pytest.param(["check", "--workers"], "No such option", id="an unknown option"),
        pytest.param(
            ["run"], "Missing argument 'TEMPLATE'. Try: rcm run --help", id="what is missing, and whose help says more"
        ),
        pytest.param(["packets", "--workers", "two"], "Try: rcm packets --help", id="a number in words"),
        pytest.param(
            ["run", "client_review", "--client", CLIENT, "--period", "10/2026"],
            "YYYY-MM",
            id="a month the American way",
        ),
        pytest.param(
            ["run", "client_review", "--client", CLIENT, "--period", "2031-01"],
            f"{CLIENT} has no postings in 2031-01; postings run from 2025-05 to 2026-10. Nothing was run.",
            id="a month without data",
        ),
        pytest.param(
            ["packets", "--period", "2031-01"], "no postings in 2031-01", id="packets of a month without data"
        ),
        pytest.param(["status", "--period", "October"], "YYYY-MM", id="status of a month in words"),
        pytest.param(
            ["simulate", "--out", "rcm.toml/below", "--clients", "1", "--months", "1"],
            "cannot be read or written",
            id="a folder that cannot be made",
        ),
        pytest.param(
            ["worklist", "export", "--client", CLIENT, "--to", "list.csv"],
            "such as worklist.xlsx",
            id="a worklist that is no workbook",
        ),
        pytest.param(
            ["worklist", "export", "--client", CLIENT, "--to", "list.xlsx", "--period", "2031-01"],
            "no postings near 2031-01-31",
            id="a worklist of a month without data",
        ),
        pytest.param(
            ["worklist", "export", "--client", CLIENT, "--to", "list.xlsx", "--as-of", "yesterday"],
            "YYYY-MM-DD",
            id="a day in words",
        ),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(capsys, monkeypatch, made, words, says):
    monkeypatch.chdir(made)
    code, _, err = rcm(capsys, *words)
    assert code == 2 and says in one_message(err)


def test_demo_never_writes_into_a_folder_that_is_not_ours(capsys, tmp_path):
    (tmp_path / "thesis.doc").write_text("precious")
    code, _, err = rcm(capsys, "demo", tmp_path)
    assert code == 2 and "nothing was written" in one_message(err)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_check_prints_a_residual_of_zero_for_every_client(capsys, made):
    code, out, _ = rcm(capsys, "check", "--workspace", made)
    assert code == 0 and "residual 0.00 everywhere" in out
    assert re.search(rf"{CLIENT}\s+18\s+\d+\s+[\d,]+\.\d\d\s+0\.00", out)


def test_check_names_the_sum_that_does_not_hold(capsys, workspace):
    """A posting that the billing system's close does not know."""
    path = next((workspace / "raw" / CLIENT / "exports").glob("*2026-10.xlsx"))
    store = open_workspace(workspace).store
    rows = store.open(CLIENT).read("transactions")
    last = rows.filter(rows["posted_on"] == rows["posted_on"].max()).head(1)
    with store.change(CLIENT) as change:
        from rcm_analysis.tables.schema import TRANSACTIONS

        change.append(
            TRANSACTIONS,
            last.with_columns(
                transaction_id=last["transaction_id"] + "-again", amount_cents=last["amount_cents"] * 0 + 1234
            ),
        )
    assert path.is_file()
    code, _, err = rcm(capsys, "check", "--workspace", workspace)
    assert code == 1 and "month-end" in err and "12.34" in err


def test_a_duplicated_remittance_is_one_message_and_changes_nothing(capsys, workspace):
    before = open_workspace(workspace).client(CLIENT).fingerprints()
    first = sorted((workspace / "raw" / CLIENT / "835").iterdir())[0]
    shutil.copy(first, first.with_name("again.835"))
    code, out, _ = rcm(capsys, "ingest", "--workspace", workspace)
    assert code == 1 and out.count("already taken in") == 1
    assert open_workspace(workspace).client(CLIENT).fingerprints() == before


def test_an_intake_works_out_what_the_packet_asks(workspace, monkeypatch):
    """After it no page of the packet has anything left to derive that is stored; the numbers are those of a plain
    derivation; what fails there fails no intake."""
    opened = open_workspace(workspace)
    monkeypatch.setenv("RCM_WORK_AHEAD", "yes")
    assert cli_data._with_ahead(opened, IntakeReport(CLIENT)).client == CLIENT
    asked: list[str] = []
    monkeypatch.setattr(derived.Answers, "add", lambda self, question, answer: asked.append(question))
    pages = {}
    for name in ("client_review", "ar_deep_dive"):
        report = open_report(workspace, CLIENT, "2026-10", template=name)
        pages[name] = [block.payload for block in report.review.answers()]
    assert asked == []
    monkeypatch.undo()
    monkeypatch.setenv("RCM_WORK_AHEAD", "yes")

    work_out_ahead(opened, CLIENT)  # nothing changed: nothing is worked out
    folder = opened.client(CLIENT).stored.folder / "derived"
    (ahead,) = folder.glob("ahead-*")
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1])  # damaged: never believed
    for name, held in pages.items():
        report = open_report(workspace, CLIENT, "2026-10", template=name)
        assert [block.payload for block in report.review.answers()] == held
    monkeypatch.setattr(Pages, "__getattr__", lambda self, name: 1 / 0)
    cli_data._with_ahead(opened, IntakeReport(CLIENT))
    monkeypatch.setattr("rcm_analysis.cli.data.work_out_ahead", lambda *_: 1 / 0)
    assert cli_data._with_ahead(opened, IntakeReport(CLIENT)).client == CLIENT
    assert ahead.is_file()


def test_status_says_what_is_stored_and_what_was_made(capsys, made):
    code, out, _ = rcm(capsys, "status", "--workspace", made)
    assert code == 0 and re.search(rf"{CLIENT}\s+18\s+2026-10", out) and "No report has been made yet" in out


def test_doctor_says_what_is_missing(capsys, made, monkeypatch):
    code, out, _ = rcm(capsys, "doctor", "--workspace", made)
    assert code == 0 and "packages in range" in out and "client_review" in out and "Start of reports" in out
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["no-such-package>=1", "pandas>=99"])
    code, out, _ = rcm(capsys, "doctor", "--workspace", made)
    assert code == 1 and "missing no-such-package" in out and "out of range" in out


def test_a_store_that_cannot_be_written_is_one_message(capsys, workspace):
    shutil.rmtree(workspace / "store")
    (workspace / "store").write_text("in the way")
    code, _, err = rcm(capsys, "ingest", "--workspace", workspace)
    assert code == 2 and "cannot be written" in one_message(err)


def test_version_and_help(capsys):
    assert rcm(capsys, "--version")[0] == 0
    code, out, _ = rcm(capsys, "--help")
    assert code == 0 and "packets" in out


@pytest.mark.slow
def test_packets_of_a_month_from_raw_files_to_verified_outputs(capsys, workspace):
    code, out, err = rcm(capsys, "packets", "--workspace", workspace, "--period", "2026-10")
    assert code == 0, out + err
    packet = workspace / "runs" / CLIENT / "2026-10" / "packet"
    named = f"{CLIENT}_2026-10"
    assert {path.name for path in packet.iterdir()} == {
        *(f"{named}_packet{kind}" for kind in (".html", ".pdf", ".xlsx", "_data.xlsx")),
        *(f"{named}_manager{kind}" for kind in (".html", ".pdf", ".xlsx", "_data.xlsx")),
        "manifest.json",
    }
    report = workspace / "runs" / CLIENT / "2026-10" / "client_review"
    assert {path.name for path in report.iterdir()} == {
        "notebook.ipynb",
        "report.html",
        "report.pdf",
        "workbook.xlsx",
        "manifest.json",
    }
    assert rcm(capsys, "verify", "--workspace", workspace)[0] == 0
    code, out, _ = rcm(capsys, "packets", "--workspace", workspace, "--period", "2026-10")
    assert code == 0 and "reused" in out and " done" not in out.split("asked for")[1]
    (packet / f"{named}_packet.pdf").write_bytes(b"tampered")
    code, _, err = rcm(capsys, "verify", "--workspace", workspace)
    assert code == 1 and f"{named}_packet.pdf" in err
    code, out, _ = rcm(capsys, "status", "--workspace", workspace)
    assert "up to date" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "folder"),
    [
        pytest.param([], "ar_weekly_review", id="the usual one"),
        pytest.param(
            ["-p", "week_ending=2026-10-16"], "ar_weekly_review-week-ending-2026-10-16", id="a week within the month"
        ),
        pytest.param(["-p", "week_ending=month end"], "ar_weekly_review", id="what is meant anyway"),
    ],
)
def test_a_report_with_a_week_of_its_own_has_a_folder_of_its_own(capsys, made, monkeypatch, given, folder):
    asked = []

    def done(request, **_):
        asked.append(request)
        return run.RunResult(request.template, request.client, request.period, request.folder, run.DONE, 0.0)

    monkeypatch.setattr(run, "run", done)
    assert (
        rcm(capsys, "run", "ar_weekly_review", "--client", CLIENT, "--period", "2026-10", "--workspace", made, *given)[
            0
        ]
        == 0
    )
    assert asked[0].folder == made / "runs" / CLIENT / "2026-10" / folder


@pytest.mark.slow
def test_a_weekly_review_is_two_pages_and_a_working_file(capsys, workspace):
    code, out, err = rcm(
        capsys,
        "run",
        "ar_weekly_review",
        "--client",
        CLIENT,
        "--period",
        "2026-10",
        "-p",
        "week_ending=2026-10-16",
        "--workspace",
        workspace,
    )
    assert code == 0, out + err
    folder = workspace / "runs" / CLIENT / "2026-10" / "ar_weekly_review-week-ending-2026-10-16"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["pages"], manifest["parameters"]["week_ending"]) == (2, "2026-10-16")
    code, out, _ = rcm(capsys, "worklist", "import", folder / "workbook.xlsx", "--workspace", workspace)
    assert code == 0 and "no row is filled in" in out


def test_check_of_a_month_without_postings_says_so(capsys, made):
    code, _, err = rcm(capsys, "check", "--workspace", made, "--period", "1999-01")
    assert code == 1 and f"No postings of 1999-01 are stored for {CLIENT}" in err and "Traceback" not in err


@pytest.mark.parametrize("words", [pytest.param([], id="rcm"), pytest.param(["worklist"], id="rcm worklist")])
def test_a_command_without_words_is_its_help(capsys, words):
    code, out, err = rcm(capsys, *words)
    assert code == 2 and (out + err).startswith("Usage: rcm") and "Try:" not in out + err


def test_the_list_of_commands_cuts_no_sentence_short(capsys):
    for words in (["--help"], ["worklist", "--help"]):
        listed = rcm(capsys, *words)[1].partition("Commands:")[2]
        assert "  " in listed and "..." not in listed


def test_a_plan_from_the_shipped_example_and_back_from_its_workbook(capsys, tmp_path, monkeypatch):
    from rcm_analysis.press.runs import run as press

    monkeypatch.setattr(
        press,
        "run",
        lambda request: press.RunResult(request.template, request.client, request.period, tmp_path, "done", 0.0),
    )
    code, out, _ = rcm(capsys, "plan", "--out", tmp_path / "a", "--json", tmp_path / "a.json")
    assert code == 0 and "Peak deficit" in out
    code, _, _ = rcm(
        capsys, "plan", "--from", tmp_path / "a" / "plan.xlsx", "--out", tmp_path / "b", "--json", tmp_path / "b.json"
    )
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert code == 0 and first == second and set(first["cash_cents"]) == set(first["accrual_cents"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["plan", "--assumptions", "nowhere.toml"], "nowhere.toml", id="assumptions that are not there"),
        pytest.param(["plan", "--assumptions", "a.toml", "--from", "b.xlsx"], "once", id="assumptions named twice"),
        pytest.param(["scoreboard", "--seeds", "3-1"], "A-B", id="seeds the wrong way round"),
    ],
)
def test_the_desk_commands_say_what_is_wrong_in_one_message(capsys, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    code, _, err = rcm(capsys, *words)
    assert code == 2 and says in one_message(err)


@pytest.mark.slow
def test_the_demo_ends_well_though_its_records_leave_a_little_over(capsys, tmp_path):
    """Payments that the invented practice posted to the wrong claim are told; they are no failure of the demo."""
    folder = tmp_path / "demo"
    code, out, err = rcm(capsys, "demo", folder, "--client", "abc-obgyn", "--workers", "1")
    assert code == 0, out + err
    assert "Not complete" in out and "Arithmetic holds" in out
    (packet,) = folder.glob("runs/abc-obgyn/*/packet/abc-obgyn_*_packet.pdf")
    assert packet.stat().st_size > 10_000
