"""Isolation proven: a word of its own in every text cell of three clients, a parallel batch, and no word elsewhere.

Also of this batch: only its owner may read what was written, and no file names the folder of the workspace.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pikepdf
import pytest

from builders.canaries import CODES, OURS, WORDS, mark_all, words_in
from rcm_analysis import simulate
from rcm_analysis.cli import app as cli
from rcm_analysis.sources.x12.remittances import REMITTANCE_TABLES
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.workspace import Workspace, open_workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("isolation"),  # two clients from raw files to packets, made once
    pytest.mark.skipif(shutil.which("pdftotext") is None, reason="the text of PDF files is read by poppler"),
]
MONTH = "2026-10"
CONTROL = {"interchange_control", "group_control", "transaction_control", "batch", "billing_npi", "status_codes"}
"""Numbers of the files that were sent and answered, and the codes of the answers."""
MADE = {"submission_id", "remit_id", "remit_claim_id", "remit_line_id", "remit_adjustment_id", "answer_id"}
"""Ids that intake makes of what an 835 or 837 says: hashes of it."""
X12_CODES = {"frequency", "method", "status", "payee_npi", "payee_tax_id_end", "provider_adjustment_id", "reason"}
"""What else comes from 835s and 837s alone: their codes, and the practice's own numbers."""
X12_TABLES = {"submissions", *(table.name for table in REMITTANCE_TABLES)}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Workspace:
    folder = tmp_path_factory.mktemp("isolation") / "workspace"
    simulate.write_company(folder, clients=list(WORDS), months=14, scale=0.15)
    workspace = open_workspace(folder)
    for client in WORDS:
        mark_all(workspace, client)
    before = os.umask(0)
    try:
        for words in (["ingest"], ["packets", "--period", MONTH]):
            with pytest.raises(SystemExit) as stop:
                cli.main([*words, "--workspace", str(folder), "--workers", "2"])
            assert stop.value.code in (0, 1)
    finally:
        os.umask(before)
    return open_workspace(folder)


def written(workspace: Workspace) -> list[Path]:
    """Every file that intake and press wrote."""
    folders = (workspace.paths["store"], workspace.runs)
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def pdf_text(data: bytes) -> str:
    return subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=True).stdout.decode()


def outputs(workspace: Workspace, place: str) -> dict[Path, str]:
    found = [path for path in (workspace.runs / place).rglob("*") if path.is_file()]
    return {path: words_in(path.read_bytes(), path.name, pdf_text) for path in found}


def test_every_text_column_of_the_store_holds_the_word_of_its_client_and_of_no_other(made):
    for client, (word, person) in WORDS.items():
        stored = made.client(client).tables()
        others = {text for other, texts in WORDS.items() for text in texts if other != client} | {person}
        for table in TABLES.values():
            rows = stored[table.name].collect()
            for column in table.columns:
                if column.kind != "text" or rows[column.name].null_count() == rows.height:
                    continue
                texts = rows[column.name].drop_nulls()
                for other in others:
                    assert not texts.str.contains(other, literal=True).any(), (client, table.name, column.name, other)
                if column.values or column.name in CODES | OURS | MADE | CONTROL:
                    continue
                if column.name in X12_CODES and table.name in (
                    "submissions",
                    *(each.name for each in REMITTANCE_TABLES),
                ):
                    continue
                assert texts.str.contains(word, literal=True).any(), (client, table.name, column.name)


def test_no_output_of_a_client_holds_a_word_of_another_client_or_of_a_person(made):
    for client, (word, person) in WORDS.items():
        files = outputs(made, client)
        others = {text for other, texts in WORDS.items() for text in texts if other != client} | {person}
        assert {path.suffix for path, text in files.items() if word in text} >= {".html", ".pdf", ".xlsx", ".ipynb"}
        for path, text in files.items():
            found = {other for other in others if other in text}
            assert not found, f"{path.relative_to(made.runs)} holds {found}"


def test_the_portfolio_names_no_person(made):
    persons = [person for _, person in WORDS.values()]
    for path, text in outputs(made, "portfolio").items():
        assert not any(person in text for person in persons), path


def test_findings_and_quarantine_name_no_person(made):
    persons = [text for texts in WORDS.values() for text in texts[1:]]
    for client in WORDS:
        for frame in (made.client(client).findings(), made.client(client).quarantine()):
            for row in frame.rows():
                assert not any(person in str(cell) for cell in row for person in persons)


def test_only_the_owner_may_read_what_was_written(made):
    paths = [made.paths["store"], made.runs, *made.paths["store"].rglob("*"), *made.runs.rglob("*")]
    open_to_others = [path for path in paths if path.stat().st_mode & 0o077]
    assert not open_to_others and (made.folder / "pseudonym.key").stat().st_mode & 0o077 == 0


def test_no_file_names_the_folder_of_the_workspace(made):
    places = [str(made.folder).lower(), str(Path.home()).lower() + "/", str(Path(__file__).parents[2]).lower()]
    for path in written(made):
        data = path.read_bytes()
        text = words_in(data, path.name, _all_of_pdf)
        assert not any(place in text for place in places), path


def _all_of_pdf(data: bytes) -> str:
    """The text, the marks of the document and every other object, unpacked."""
    import io

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        document.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.generalized)
    return pdf_text(data) + out.getvalue().decode("latin-1")


def test_a_plan_names_no_folder_and_is_its_owner_s(tmp_path):
    before = os.umask(0)
    try:
        with pytest.raises(SystemExit) as stop:
            cli.main(["plan", "--out", str(tmp_path / "plan"), "--json", str(tmp_path / "figures.json")])
    finally:
        os.umask(before)
    assert stop.value.code == 0
    for path in tmp_path.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
        if path.is_file():
            assert str(tmp_path).lower() not in words_in(path.read_bytes(), path.name, _all_of_pdf), path
