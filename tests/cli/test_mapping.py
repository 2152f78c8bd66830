"""`rcm map`: from an unknown file to a written map and its sums; asked by options where there is no terminal."""

import pytest

from rcm_analysis import cli
from rcm_analysis.sources.exports.column_maps import read_map

ROWS = (
    "Claim #,Patient Name,Insurance,DOS,Charges,Ins Paid,Paid Date,Adj,Balance\n"
    "A1,Doe Jane,Medicare,01/15/2026,100.50,60.00,01/25/2026,20.00,20.50\n"
    "A2,Roe Sam,Medicare,01/16/2026,50.00,,,,50.00\n"
)


@pytest.fixture
def office(tmp_path, monkeypatch):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "clients.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rcm(capsys, *words) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    out = capsys.readouterr()
    return end.value.code or 0, " ".join(out.out.split()), " ".join(out.err.split())


def test_an_unknown_file_becomes_a_map_with_reasons_and_totals_and_shows_no_value(capsys, office):
    (office / "visits.csv").write_text(ROWS)
    code, out, _ = rcm(capsys, "map", "visits.csv", "--total", "charges=150.50")
    assert code == 0 and "charges 150.50; is this your report's total?" in out and "balance 70.50" in out
    text = (office / "maps" / "visits.toml").read_text()
    assert 'one_row_per = "claim"' in text and "# its heading" in text
    for secret in ("Doe", "Roe", "01/15", "100.50", "A1"):
        assert secret not in text and secret not in out
    assert read_map(office / "maps" / "visits.toml").sections[0].columns["claim_id"].title == "'Claim #'"
    assert not (office / "store").exists()


def test_another_total_than_the_offices_own_is_told(capsys, office):
    (office / "visits.csv").write_text(ROWS)
    code, _, err = rcm(capsys, "map", "visits.csv", "--total", "charges=250.50")
    assert code == 1 and "charges: yours 250.50, the files' 150.50" in err


def test_questions_come_with_the_options_that_answer_them(capsys, office):
    (office / "v.csv").write_text(ROWS.replace("Paid Date", "X").replace("01/25/2026", ""))
    code, _, err = rcm(capsys, "map", "v.csv")
    assert code == 2 and "--answer exported_on=..." in err and not (office / "maps").exists()
    code, out, _ = rcm(capsys, "map", "v.csv", "-a", "exported_on=2026-01-31")
    assert code == 0 and "no day of their own" in out


def test_a_known_system_is_named_with_its_source_and_a_second_file_needs_no_second_section(capsys, office):
    (office / "encounters.csv").write_text(
        "Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,PAYER,TOTAL_CLAIM_COST,PAYER_COVERAGE\n"
        "e1,2026-01-05T08:00:00Z,2026-01-05T08:15:00Z,p,o,d,Medicare,85.55,35.55\n"
    )
    code, out, _ = rcm(capsys, "map", "encounters.csv")
    assert code == 0 and "known system: synthea_encounters" in out and "payments 35.55" in out
    (office / "a.csv").write_text(ROWS)
    (office / "b.csv").write_text(ROWS.replace("A1", "A3").replace("A2", "A4"))
    code, out, _ = rcm(capsys, "map", "a.csv", "b.csv", "--name", "pm")
    assert code == 0 and len(read_map(office / "maps" / "pm.toml").sections) == 1 and "charges 301.00" in out


def test_a_map_that_says_something_else_is_not_overwritten(capsys, office):
    (office / "a.csv").write_text(ROWS)
    (office / "maps").mkdir()
    (office / "maps" / "a.toml").write_text("name = 'mine'\n")
    code, _, err = rcm(capsys, "map", "a.csv")
    assert code == 2 and "--force" in err and (office / "maps" / "a.toml").read_text() == "name = 'mine'\n"
    assert rcm(capsys, "map", "a.csv", "--force")[0] == 0
