"""One request, one run folder: whole or not at all, and never another client's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from builders import press_samples as samples
from rcm_analysis.errors import ParameterError, RunError
from rcm_analysis.press.runs import folders, kernels, manifest
from rcm_analysis.press.runs.run import RunRequest, RunResult, prepared, run

Requests = Callable[..., RunRequest]
Finished = tuple[RunResult, RunResult]


def small(*cells: str) -> nbformat.NotebookNode:
    """A notebook of a parameters cell and these."""
    parameters = nbformat.v4.new_code_cell("x: int = 1", metadata={"tags": ["parameters"]})
    return nbformat.v4.new_notebook(cells=[parameters, *map(nbformat.v4.new_code_cell, cells)])


def printed(executed: kernels.Executed) -> list[str]:
    outputs = [output for cell in executed.notebook.cells for output in cell.get("outputs", [])]
    return [output.text.strip() for output in outputs if output.output_type == "stream"]


def test_a_finished_run_holds_every_file(finished: Finished) -> None:
    made = finished[0]
    assert (made.status, made.good, made.error) == ("done", True, "")
    assert made.pages and made.pages > 0
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "manifest.json", "notebook.ipynb", "report.html", "report.pdf", "workbook.xlsx",
    ]  # fmt: skip
    assert (made.folder / "report.pdf").read_bytes().startswith(b"%PDF")
    assert [path.name for path in made.folder.parent.iterdir()] == ["small"]


def test_two_clients_never_see_each_others_outputs(finished: Finished) -> None:
    for mine, other in (("cali-care", "dr-suess"), ("dr-suess", "cali-care")):
        made = next(result for result in finished if result.client == mine)
        for path in made.folder.iterdir():
            if path.suffix in (".ipynb", ".html", ".json"):
                text = path.read_text(encoding="utf-8")
                assert mine in text
                assert other not in text
        assert (made.folder / "workbook.xlsx").exists()


def test_the_same_inputs_give_the_same_bytes(finished: Finished, request_for: Requests) -> None:
    again = run(request_for())
    for name in ("notebook.ipynb", "report.html", "report.pdf", "workbook.xlsx"):
        assert (again.folder / name).read_bytes() == (finished[0].folder / name).read_bytes(), name
    mine, theirs = manifest.read(again.folder), manifest.read(finished[0].folder)
    assert {key: mine[key] for key in mine if key not in ("seconds", "usage", "finished_at")} == {
        key: theirs[key] for key in theirs if key not in ("seconds", "usage", "finished_at")
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"template": "smal"}, "There is no template 'smal'", id="an unknown template"),
        pytest.param({"client": None}, "client must be given", id="a client's report without a client"),
        pytest.param({"client": "../dr-suess"}, "A client id is made of", id="a client id that climbs"),
        pytest.param({"client": "portfolio"}, "is not 'portfolio'", id="a client id that is the portfolio's folder"),
        pytest.param({"period": "2026-13"}, "YYYY-MM", id="a month that is none"),
        pytest.param({"period": "../2026-10"}, "YYYY-MM", id="a month that climbs"),
        pytest.param({"parameters": {"cleint": "x"}}, "no parameter 'cleint'", id="an unknown parameter"),
        pytest.param({"parameters": {"weeks": "4"}}, "weeks must be int; found str", id="a wrong type"),
        pytest.param({"parameters": {"client": "dr-suess"}}, "given twice, with two values", id="two clients at once"),
    ],
)
def test_a_wrong_request_is_refused_before_a_kernel_starts(
    request_for: Requests, monkeypatch: pytest.MonkeyPatch, changes: dict, message: str
) -> None:
    monkeypatch.setattr(kernels, "execute", lambda *_, **__: pytest.fail("a kernel was started"))
    wanted = request_for(**changes)
    with pytest.raises(ParameterError, match=message):
        run(wanted)
    assert not Path(wanted.runs).exists()


def test_values_reach_the_notebook_as_they_are(request_for: Requests) -> None:
    hostile = "\"; import os; os._exit(9) #\n\\\" {weeks} ''' ☃"
    executed = kernels.execute(small("print(ascii([x, y]))"), {"x": 3, "y": hostile})
    assert executed.stopped is None
    assert printed(executed) == [ascii([3, hostile])]


def test_a_failed_report_keeps_its_evidence_and_the_last_good_run(finished: Finished, request_for: Requests) -> None:
    wanted = request_for("broken")
    shutil.copytree(finished[0].folder, wanted.folder)
    result = run(wanted)
    assert (result.status, result.cell) == ("failed", 4)
    assert result.folder == wanted.folder.with_name("broken.failed")
    assert "KeyError" in result.line() and "cell 4" in result.line()
    assert "Jane" not in result.line() and "Jane" not in (result.folder / "manifest.json").read_text()
    made = manifest.read(result.folder)
    assert (made["status"], made["error"]["error"]) == ("failed", "KeyError")
    assert sorted(path.name for path in result.folder.iterdir()) == ["manifest.json", "notebook.ipynb"]
    assert manifest.verify(wanted.folder) == []


def test_a_good_run_clears_the_failed_attempt(request_for: Requests) -> None:
    wanted = request_for("small")
    failed = folders.failed_folder(wanted.folder)
    failed.mkdir(parents=True)
    (failed / "manifest.json").write_text("{}")
    assert run(wanted).good
    assert not failed.exists()


def test_a_notebook_that_shows_another_client_is_no_report(request_for: Requests) -> None:
    result = run(request_for("wanderer"))
    assert (result.status, result.folder.name) == ("failed", "wanderer.failed")
    assert "another client than cali-care" in result.error
    assert not request_for("wanderer").folder.exists()


@pytest.mark.parametrize(
    ("cover", "read"),
    [
        pytest.param("cali-care", ("cali-care", "somebody-else"), id="another client's tables after its own"),
        pytest.param("cali-care", ("somebody-else", "cali-care"), id="another client's tables before its own"),
        pytest.param("somebody-else", ("cali-care",), id="another client on the cover of its own tables"),
    ],
)
def test_one_foreign_client_among_its_own_is_enough(
    request_for: Requests, monkeypatch: pytest.MonkeyPatch, cover: str, read: tuple[str, ...]
) -> None:
    shown = [samples.block("meta", client=cover), *(samples.block("inputs", client=name, tables=[]) for name in read)]
    made = nbformat.from_dict(samples.notebook(*shown))
    monkeypatch.setattr(kernels, "execute", lambda *_, **__: kernels.Executed(made, None))
    result = run(request_for())
    assert (result.status, result.folder.name) == ("failed", "small.failed")
    assert "another client than cali-care" in result.error and "somebody-else" not in result.error


def test_a_folder_that_is_not_ours_is_not_overwritten(request_for: Requests) -> None:
    wanted = request_for()
    wanted.folder.mkdir(parents=True)
    (wanted.folder / "mine.txt").write_text("keep")
    with pytest.raises(RunError, match="was not made by us and will not be overwritten"):
        run(wanted)
    assert (wanted.folder / "mine.txt").read_text() == "keep"


def test_a_runs_folder_that_cannot_be_written_gets_one_message(request_for: Requests, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(RunError, match="cannot be written"):
        run(request_for(runs=tmp_path / "taken"))
    assert (tmp_path / "taken").read_text() == "a file"


def test_a_full_disk_gets_one_message_and_leaves_the_old_run(
    finished: Finished, request_for: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = request_for()
    shutil.copytree(finished[0].folder, wanted.folder)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kernels, "execute", full)
    with pytest.raises(RunError, match="cannot be written .*What was there before is unchanged"):
        run(wanted)
    assert manifest.verify(wanted.folder) == []
    assert folders.signed_folders(wanted.runs) == [wanted.folder]
    assert [path.name for path in wanted.folder.parent.iterdir()] == ["small"]


def test_a_fault_of_the_press_itself_is_kept_with_its_traceback(
    request_for: Requests, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = nbformat.read(finished[0].folder / "notebook.ipynb", as_version=4)
    monkeypatch.setattr(kernels, "execute", lambda *_, **__: kernels.Executed(notebook, None))
    monkeypatch.setattr("rcm_analysis.press.writers.html.render", lambda *_: 1 / 0)
    result = run(request_for())
    assert (result.status, result.error) == ("failed", "ZeroDivisionError (see traceback.txt beside it).")
    assert sorted(path.name for path in result.folder.iterdir()) == ["manifest.json", "notebook.ipynb", "traceback.txt"]


@pytest.mark.parametrize(
    ("cell", "error", "line"),
    [
        pytest.param("1 / 0", "ZeroDivisionError", "ZeroDivisionError (its message stays", id="an error"),
        pytest.param("import sys\nsys.exit(3)", "SystemExit", "SystemExit", id="leaving early with a fault"),
        pytest.param("import os\nos._exit(3)", "DeadKernelError", "process died", id="a process that dies"),
        pytest.param("import time\ntime.sleep(60)", "CellTimeoutError", "within 1 seconds", id="a cell that hangs"),
        pytest.param("this is no python", "SyntaxError", "SyntaxError", id="a cell that is not Python"),
        pytest.param(
            "from rcm_analysis.errors import TableError\nraise TableError('claims: 3 empty of 10 rows.\\nmore')",
            "TableError", "TableError: claims: 3 empty of 10 rows.", id="our own error keeps its first line",
        ),
    ],
)  # fmt: skip
def test_every_way_of_stopping_is_named_with_its_cell(cell: str, error: str, line: str) -> None:
    executed = kernels.execute(
        small("1", cell, "2"), {"x": 3}, kernels.Settings(cell_seconds=1 if "sleep" in cell else 60)
    )
    assert executed.stopped is not None
    assert (executed.stopped.error, executed.stopped.cell) == (error, 4)
    assert line in executed.stopped.line
    assert executed.notebook.cells[-1].get("outputs", []) == []


@pytest.mark.parametrize("engine", kernels.ENGINES)
@pytest.mark.parametrize("leave", ["sys.exit(0)", "sys.exit()", "raise SystemExit"])
def test_a_notebook_that_ends_itself_is_finished_as_papermill_has_it(engine: str, leave: str) -> None:
    executed = kernels.execute(
        small("print('done')", f"import sys\n{leave}", "print('never')"), {"x": 3}, engine=engine
    )
    assert executed.stopped is None and printed(executed)[0] == "done" and "never" not in printed(executed)


def test_a_report_says_where_its_notebook_ended_itself(request_for: Requests, tmp_path: Path) -> None:
    folder = shutil.copytree(request_for().templates, tmp_path / "templates")
    made = nbformat.read(folder / "small.ipynb", as_version=4)
    made.cells += [nbformat.v4.new_code_cell(source) for source in ("import sys\nsys.exit(0)", "1 / 0")]
    nbformat.write(made, folder / "small.ipynb")
    result = run(request_for(templates=folder))
    assert result.good and any("ended itself here" in warning for warning in result.warnings)
    assert "nothing after this cell was run" in (result.folder / "report.html").read_text(encoding="utf-8")


def test_a_kernel_has_its_own_environment_and_folder(tmp_path: Path) -> None:
    probe = "import os, sys\nprint(os.environ['OMP_NUM_THREADS'], os.environ['EXTRA'], os.getcwd(), sys.executable)"
    settings = kernels.Settings(folder=tmp_path, threads=1, environment={"EXTRA": "yes"})
    executed = kernels.execute(small(probe, "import os\nos.environ['LEAK'] = '1'\nos.chdir('/')"), {"x": 1}, settings)
    assert printed(executed) == [f"1 yes {tmp_path} {sys.executable}"]
    assert "LEAK" not in os.environ


def test_an_executed_notebook_holds_no_times_and_no_paths(finished: Finished) -> None:
    text = (finished[0].folder / "notebook.ipynb").read_text()
    for word in ("start_time", "duration", "input_path", "iopub", str(Path.home()), tempfile.gettempdir()):
        assert word not in text


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(RunError, match="Known: fork, papermill"):
        kernels.execute(small(), {}, engine="warp")


@pytest.fixture
def reused(finished: Finished, request_for: Requests) -> RunRequest:
    """A request whose report is in place, with the fingerprints it was made from."""
    wanted = request_for(fingerprints={"cali-care/claims": "f1", "cali-care/notes": "n9"})
    shutil.copytree(finished[0].folder, wanted.folder)
    return wanted


def _stays(wanted: RunRequest) -> RunRequest:
    return wanted


def _data_moved(wanted: RunRequest) -> RunRequest:
    return replace(wanted, fingerprints={"cali-care/claims": "f2"})


def _other_table(wanted: RunRequest) -> RunRequest:
    return replace(wanted, fingerprints={**wanted.fingerprints, "cali-care/notes": "changed"})


def _registry_named(wanted: RunRequest) -> RunRequest:
    return replace(wanted, fingerprints={**wanted.fingerprints, "registry": "r1"})


def _table_gone(wanted: RunRequest) -> RunRequest:
    return replace(wanted, fingerprints={})


def _nothing_known(wanted: RunRequest) -> RunRequest:
    return replace(wanted, fingerprints=None)


def _other_parameter(wanted: RunRequest) -> RunRequest:
    return replace(wanted, parameters={"weeks": 5})


def _damaged(wanted: RunRequest) -> RunRequest:
    (wanted.folder / "report.pdf").unlink()
    return wanted


def _forced(wanted: RunRequest) -> RunRequest:
    return replace(wanted, force=True)


def _failed_since(wanted: RunRequest) -> RunRequest:
    failed = folders.failed_folder(wanted.folder)
    failed.mkdir()
    (failed / "manifest.json").write_text("{}")
    return wanted


@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param(_stays, "reused", id="nothing changed"),
        pytest.param(_other_table, "reused", id="a table it does not read has changed"),
        pytest.param(_data_moved, "made", id="a table it reads has changed"),
        pytest.param(_registry_named, "made", id="it was made without regard to the registry"),
        pytest.param(_table_gone, "made", id="a table it reads is gone"),
        pytest.param(_nothing_known, "made", id="the state of the tables is not known"),
        pytest.param(_other_parameter, "made", id="a parameter has changed"),
        pytest.param(_damaged, "made", id="a file of it is missing"),
        pytest.param(_forced, "made", id="it is forced"),
        pytest.param(_failed_since, "made", id="a later attempt failed"),
    ],
)
def test_a_report_is_reused_only_if_nothing_changed(
    reused: RunRequest, change, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = kernels.Stopped(None, "RunError", "made")
    monkeypatch.setattr(kernels, "execute", lambda notebook, *_, **__: kernels.Executed(notebook, made))
    result = run(change(reused))
    assert (result.status if result.good else result.error) == status


@pytest.mark.parametrize(("registry", "status"), [("r1", "reused"), ("r2", "made")])
def test_a_changed_registry_makes_every_report_again(
    finished: Finished, request_for: Requests, monkeypatch: pytest.MonkeyPatch, registry: str, status: str
) -> None:
    notebook = nbformat.read(finished[0].folder / "notebook.ipynb", as_version=4)
    monkeypatch.setattr(kernels, "execute", lambda *_, **__: kernels.Executed(notebook, None))
    tables = {"cali-care/claims": "f1"}
    assert run(request_for(fingerprints=tables | {"registry": "r1"})).status == "done"
    made = kernels.Stopped(None, "RunError", "made")
    monkeypatch.setattr(kernels, "execute", lambda notebook, *_, **__: kernels.Executed(notebook, made))
    result = run(request_for(fingerprints=tables | {"registry": registry}))
    assert (result.status if result.good else result.error) == status


def test_the_clients_id_and_month_are_parameters(request_for: Requests) -> None:
    assert prepared(request_for(parameters={"weeks": 8}))[1] == {"client": "cali-care", "period": "2026-10", "weeks": 8}


SLOW = """
import sys
from pathlib import Path
from rcm_analysis.press.runs import kernels, run
def hang(notebook, *_, **__):
    print("started", flush=True)
    import time
    time.sleep(60)
kernels.execute = hang
run.run(run.RunRequest("small", "cali-care", "2026-10", Path(sys.argv[1]), templates=Path(sys.argv[2])))
"""


def test_a_run_that_is_killed_leaves_the_old_one_whole(finished: Finished, request_for: Requests) -> None:
    wanted = request_for()
    shutil.copytree(finished[0].folder, wanted.folder)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(wanted.runs), str(wanted.templates)], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"started\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = [path.name for path in wanted.folder.parent.iterdir()]
    assert len(left) == 2 and any(".making-" in name for name in left)
    assert manifest.verify(wanted.folder) == []
    folders.recover(wanted.folder)
    assert [path.name for path in wanted.folder.parent.iterdir()] == ["small"]


def test_a_stop_between_the_two_renames_brings_the_old_run_back(finished: Finished, request_for: Requests) -> None:
    wanted = request_for()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    aside = folders._beside(wanted.folder, "old")
    aside = aside.with_name(aside.name.replace(f"-{os.getpid()}", f"-{gone.pid}"))
    shutil.copytree(finished[0].folder, aside)
    folders.check_ours(wanted.folder)
    assert manifest.verify(wanted.folder) == []
    assert [path.name for path in wanted.folder.parent.iterdir()] == ["small"]


def test_the_folder_of_a_run_that_is_still_going_is_left_alone(request_for: Requests) -> None:
    wanted = request_for()
    other = folders._beside(wanted.folder, "making")
    other = other.with_name(other.name.replace(f"-{os.getpid()}", f"-{os.getppid()}"))
    other.mkdir(parents=True)
    folders.recover(wanted.folder)
    assert other.exists()


def test_a_failed_rename_brings_the_old_run_back(
    finished: Finished, request_for: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = request_for()
    shutil.copytree(finished[0].folder, wanted.folder)
    before = json.loads((wanted.folder / "manifest.json").read_text())
    real = os.replace

    def refuse(source: Path, target: Path) -> None:
        if ".making-" in str(source):
            raise PermissionError
        real(source, target)

    with folders.making(wanted.folder) as folder:
        manifest.write(folder, {"status": "done"})
        monkeypatch.setattr(os, "replace", refuse)
        with pytest.raises(RunError, match="What was there before is unchanged"):
            folders.place(folder, wanted.folder)
    assert json.loads((wanted.folder / "manifest.json").read_text()) == before
