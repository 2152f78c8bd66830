"""Plan, run one, collect: a batch as lines that any scheduler can hand to any machine that sees the workspace.

A plan is JSON lines, one report or packet each, with everything needed and no folder of a machine. A packet's line
makes what is missing of its reports first, so that any order gives the same files; a report that was tried since the
plan was made stands as it is. Collecting reads the run folders alone.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from ...errors import RcmError, RunError
from ...tables.disk import OWNER_FILE, make_folder
from ..runs import folders, manifest
from ..runs.batch import SUMMARIES
from ..runs.packet import PacketRequest
from ..runs.run import DONE, FAILED, RunRequest, RunResult
from ..runs.settings import Settings
from ..runs.shared import Shared
from ..runs.worker import Job, failed, perform, settled

SCHEMA = 1


@dataclass(frozen=True)
class Places:
    """Where a workspace keeps what a request leads to, on this machine."""

    workspace: Path
    runs: Path
    templates: Path | None


@dataclass(frozen=True)
class Entry:
    """One line of a plan: the job, when it was planned, and the reports that a packet is bound of."""

    job: Job
    planned_at: str
    needs: tuple[RunRequest, ...] = ()


def plan_text(requests: Sequence[RunRequest], packets: Sequence[PacketRequest], planned_at: str) -> str:
    """The plan: a line per report, then a line per packet."""
    entries = [{"schema": SCHEMA, "planned_at": planned_at, "job": "report", **_written(one)} for one in requests]
    for packet in packets:
        needs = [_written(one) for one in requests if (one.client, one.period) == (packet.client, packet.period)]
        entries.append(
            {"schema": SCHEMA, "planned_at": planned_at, "job": "packet", **_written(packet), "needs": needs}
        )
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)


def _written(job: Job) -> dict[str, Any]:
    values = {name: value for name, value in vars(job).items() if name not in ("runs", "templates", "workspace")}
    return values | {"printed_on": job.printed_on and job.printed_on.isoformat()}


def entries_of(text: str, places: Places) -> list[Entry]:
    """The lines of a plan as jobs in this workspace.

    Raises
        RunError when a line is not of a plan, or of another version's.
    """
    found = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
        try:
            found.append(_entry(json.loads(line), places))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"Line {number} is not of a plan ({type(error).__name__}). Write plans with: rcm packets --plan FILE"
            ) from None
    if not found:
        raise RunError("The plan is empty. Write one with: rcm packets --plan FILE")
    return found


def _entry(written: dict[str, Any], places: Places) -> Entry:
    if written.pop("schema") != SCHEMA:
        raise RunError(f"The plan was written by another version of rcm (this one reads schema {SCHEMA}). Plan again.")
    kind, planned_at = written.pop("job"), written.pop("planned_at")
    if kind == "report":
        return Entry(_report(written, places), planned_at)
    needs = tuple(_report(one, places) for one in written.pop("needs"))
    reports, leave_out = (tuple(written.pop(name)) for name in ("reports", "leave_out"))
    job = PacketRequest(
        **_dated(written), reports=reports, leave_out=leave_out, runs=places.runs, templates=places.templates
    )
    return Entry(job, planned_at, needs)


def _report(written: Mapping[str, Any], places: Places) -> RunRequest:
    return RunRequest(**_dated(written), runs=places.runs, templates=places.templates, workspace=places.workspace)


def _dated(written: Mapping[str, Any]) -> dict[str, Any]:
    day = written["printed_on"]
    return {**written, "printed_on": day and dt.date.fromisoformat(day)}


def run_one(entry: Entry, settings: Settings) -> RunResult:
    """Do one line of a plan. Two processes never make the same report at the same time."""
    Shared.of(settings.remotes).fetch([*entry.needs, entry.job])
    for need in entry.needs:
        with _alone(need):
            if not _since(need.folder, entry.planned_at):
                perform(need, settings)
    with _alone(entry.job):
        return perform(entry.job, settings)


def _alone(job: Job) -> FileLock:
    """The lock of a report's place, on a disk that all machines see."""
    folder = make_folder(Path(job.runs) / SUMMARIES / "locks")
    return FileLock(folder / f"{job.client or folders.PORTFOLIO}-{job.folder.name}.lock", mode=OWNER_FILE)


def _since(target: Path, planned_at: str) -> dict[str, Any]:
    """The manifest of the last attempt at a report, if it was made since the plan."""
    for folder in (folders.failed_folder(target), target):
        if folder.exists():
            made = manifest.read(folder)
            return made if made["finished_at"] >= planned_at else {}
    return {}


def planned_prints(entries: Sequence[Entry]) -> dict[str, str]:
    """The fingerprints of all that the reports of a plan were to be made from, as it was when they were planned."""
    reports = [job for entry in entries for job in (entry.job, *entry.needs) if isinstance(job, RunRequest)]
    return {name: value for job in reports for name, value in (job.fingerprints or {}).items()}


def collected(entries: Sequence[Entry]) -> list[RunResult]:
    """What became of every line of a plan, as its run folder tells."""
    return [_standing(entry.job, entry.planned_at) for entry in entries]


def _standing(job: Job, planned_at: str) -> RunResult:
    try:
        made, current = _since(job.folder, planned_at), settled(replace(job, force=False))
        if made.get("status") == FAILED:
            error, folder = made["error"], folders.failed_folder(job.folder)
            stopped = failed(job, error["line"], made["seconds"]["total"], error["error"])
            return replace(stopped, cell=error["cell"], folder=folder)
        sound = current.good if current else isinstance(job, RunRequest) and not manifest.verify(job.folder)
    except RcmError as problem:
        return failed(job, " ".join(str(problem).split()))
    if made and sound:
        found = replace(failed(job, "", made["seconds"]["total"]), status=DONE, folder=job.folder)
        return replace(found, pages=made.get("pages"), warnings=tuple(made.get("warnings", ())))
    if current and not (current.good and job.force):
        return current
    return failed(job, "It was not made since it was planned; run its line again.")
