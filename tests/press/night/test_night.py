"""A night that nobody watches: its log, what is tried again, what a kill leaves, its letter, and its history."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import AuthResult

from builders.night_workspace import CLIENTS, PERIOD, ROOT, night_workspace, rcm
from rcm_analysis.errors import RunError
from rcm_analysis.press.night.journal import Journal, history
from rcm_analysis.press.night.mail import PASSWORD, Letter, letter_of, send
from rcm_analysis.press.runs.run import RunResult

PACKETS = ("packets", "--period", PERIOD, "--workers", "2")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Nothing made yet; tests copy it."""
    return night_workspace(tmp_path_factory.mktemp("night") / "workspace").folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "workspace")


@pytest.fixture(scope="module")
def night(made: Path, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """A night in which bay's reports fail and acme's kernel dies once; with its letter."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("failed") / "workspace")
    (folder / "fail-bay").touch()
    (folder / "die-once-acme").touch()
    return folder, rcm(folder, *PACKETS, "--mail-summary", str(folder / "mail" / "summary"))


def events(folder: Path) -> list[dict]:
    """The lines of the newest log."""
    newest = max(folder.glob(f"runs/_batches/{PERIOD}/*.jsonl"))
    return [json.loads(line) for line in newest.read_text().splitlines()]


def test_the_log_tells_every_event_in_its_order(night) -> None:
    folder, ended = night
    told = events(folder)
    assert ended.returncode == 1, ended.stderr
    assert [told[0]["event"], told[-1]["event"]] == ["started", "finished"]
    assert (told[0]["period"], told[0]["asked"], told[0]["workers"]) == (PERIOD, 10, 2)
    said = {(one["client"], one["template"]): one for one in told[1:-1]}
    assert len(said) == 10 and {one["event"] for one in told[1:-1]} == {"report", "packet"}
    assert said["acme", "packet"]["event"] == "packet" and said["acme", "packet"]["pages"] >= 1
    assert said[None, "book"]["status"] == "done" and said[None, "book"]["seconds"] > 0
    failed = said["bay", "review"]
    assert (failed["status"], failed["cell"], failed["kind"], failed["attempts"]) == ("failed", 3, "ValueError", 1)
    assert {name: told[-1][name] for name in ("done", "reused", "failed", "exit_code")} == {
        "done": 7, "reused": 0, "failed": 3, "exit_code": 1
    }  # fmt: skip
    assert told[-1]["seconds"] > 0 and told[-1]["pages"] == sum(
        one["pages"] or 0 for one in told if one["event"] == "packet"
    )
    moments = [one["at"] for one in told]
    assert moments == sorted(moments) and all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\+00:00", one) for one in moments)


def test_a_dead_kernel_is_tried_again_and_an_error_in_the_data_is_not(night) -> None:
    attempts = {(one["client"], one["template"]): one["attempts"] for one in events(night[0])[1:-1]}
    assert sorted(key for key, number in attempts.items() if number == 2) == [
        next(key for key in attempts if key[0] == "acme" and attempts[key] == 2)
    ]
    assert attempts["bay", "review"] == attempts["bay", "notes"] == 1


def test_log_letter_and_index_are_the_owners_and_hold_no_value_and_no_place(night) -> None:
    folder = night[0]
    files = [*folder.glob("runs/_batches/*/*.jsonl"), *folder.glob("mail/summary.*"), folder / "runs" / "index.html"]
    assert len(files) == 4
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        text = file.read_text()
        assert "Zebra" not in text and str(folder) not in text and str(ROOT) not in text


def test_the_letter_says_what_is_in_place_what_is_not_and_where(night) -> None:
    folder = night[0]
    text, html = (folder / "mail" / f"summary.{kind}" for kind in ("txt", "html"))
    assert text.read_text().startswith("Packets of March 2026: 2 in place, 3 not made\n")
    assert "- bay, review: cell 3: ValueError" in text.read_text()
    assert "- acme, packet: made, 2 report(s)" in text.read_text()
    links = re.findall(r'href="([^"]+)"', html.read_text())
    assert "../runs/index.html" in links and len(links) == 15
    for link in links:
        assert (html.parent / link).is_file(), link
        assert link in text.read_text()


@pytest.mark.slow
def test_what_failed_is_made_by_the_next_run_and_the_rest_is_kept(night, tmp_path: Path) -> None:
    folder = shutil.copytree(night[0], tmp_path / "workspace")
    (folder / "fail-bay").unlink()
    assert rcm(folder, *PACKETS).returncode == 0
    status = {(one["client"], one["template"]): one["status"] for one in events(folder)[1:-1]}
    assert {key for key, said in status.items() if said == "done"} == {
        ("bay", name) for name in ("review", "notes", "packet")
    }
    assert sum(said == "reused" for said in status.values()) == 7
    told = rcm(folder, "status", "--history").stdout.splitlines()
    assert len(told) == 3 and "exit code 1" in told[1] and "exit code 0" in told[2]
    assert re.search(rf"{PERIOD}\s+\S+ \S+\s+10\s+3\s+7\s+0\s+\d+\s+exit code 0", told[2])


@pytest.mark.slow
def test_a_batch_that_was_killed_says_so_and_goes_on_where_it_was(workspace: Path) -> None:
    words = [sys.executable, "-m", "rcm_analysis", *PACKETS[:-1], "1", "--workspace", str(workspace)]
    process = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)
    wait_for(lambda: (workspace / "runs" / "acme" / PERIOD / "review" / "manifest.json").is_file())
    (workspace / "wait").touch()
    wait_for(lambda: list(workspace.glob("waiting-*")) or process.poll() is not None)
    assert process.poll() is None, "it was through before it could be killed"
    process.kill()
    process.wait()
    (workspace / "wait").unlink()
    before = events(workspace)
    assert before[-1]["event"] != "finished"
    (killed,) = history(workspace / "runs")
    assert killed.exit_code is None and killed.end.startswith("killed before its end")
    doctor = rcm(workspace, "doctor").stdout
    assert "killed before its end" in doctor and f"rcm packets --period {PERIOD} makes what is missing" in doctor
    time.sleep(1.1)
    assert rcm(workspace, *PACKETS).returncode == 0
    status = {(one["client"], one["template"]): one["status"] for one in events(workspace)[1:-1]}
    assert len(status) == 10 and status["acme", "review"] == "reused"
    assert {status[client, "packet"] for client in CLIENTS} == {"done"}
    assert not list((workspace / "runs").glob("*/*/.*")), "half-made folders are left"


def wait_for(there) -> None:
    until = time.monotonic() + 120
    while not there():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_log_whose_last_line_was_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    journal = Journal(tmp_path, PERIOD)
    journal.started(PERIOD, 2)
    journal.result(RunResult("review", "acme", PERIOD, tmp_path, "done", 1.0, pages=3))
    with journal.path.open("a") as file:
        file.write('{"at": "2026-04-01T00:')
    (tmp_path / "_batches" / PERIOD / "0.jsonl").write_text("no log\n")
    (night,) = history(tmp_path)
    assert (night.counts["done"], night.exit_code, night.end) == (1, None, "under way")


def test_status_without_a_night_says_so(workspace: Path) -> None:
    assert "No batch has run yet" in rcm(workspace, "status", "--history").stdout


def test_doctor_says_what_a_scheduler_needs(workspace: Path) -> None:
    told = rcm(workspace, "doctor", TZ="America/Chicago", LC_ALL="C.UTF-8").stdout
    for line in (
        r"Runs folder\s+can be written",
        r"Free disk\s+[\d,.]+ GB",
        r"Fonts of the PDF\s+\d+ families",
        r"Text encoding\s+UTF-8",
        r"Time zone\s+C[SD]T \(UTC-0[56]00\)",
        r"Last batch\s+none yet",
    ):
        assert re.search(line, told), line


def test_doctor_says_when_the_runs_cannot_be_written(workspace: Path) -> None:
    (workspace / "runs").write_text("in the way")
    ended = rcm(workspace, "doctor")
    assert ended.returncode == 1 and "cannot be written by this user" in ended.stdout


class Box(Message):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list = []

    def handle_message(self, message) -> None:
        self.letters.append(message)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def server():
    port = free_port()
    box = Box()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    settings = {"host": "127.0.0.1", "port": port, "sender": "rcm@example.com", "starttls": False}
    yield box, settings | {"to": ["a@example.com", "b@example.com"], "links": "https://files.example.com/rcm"}
    controller.stop()


LETTER = Letter("Packets of March 2026: 1 in place, 1 not made", (("bay, review", "it's <late>"),), (), "runs/")


def test_a_letter_arrives_as_text_and_html(server) -> None:
    box, settings = server
    send(LETTER, settings)
    (arrived,) = box.letters
    assert (arrived["Subject"], arrived["To"]) == (LETTER.subject, "a@example.com, b@example.com")
    parts = {part.get_content_type(): part.get_payload(decode=True).decode() for part in arrived.get_payload()}
    assert "- bay, review: it's <late>" in parts["text/plain"]
    assert "it&#39;s &lt;late&gt;" in parts["text/html"]


def test_a_batch_mails_its_summary_with_the_links_of_the_settings(workspace: Path, server) -> None:
    box, settings = server
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    with (workspace / "rcm.toml").open("a") as file:
        file.write("\n".join(["[mail]", *lines, ""]))
    ended = rcm(workspace, *PACKETS, "--client", "acme", "--mail")
    assert ended.returncode == 0, ended.stderr
    (arrived,) = box.letters
    assert arrived["Subject"] == "Packets of March 2026: 1 in place, nothing not made"
    text = next(part for part in arrived.walk() if part.get_content_type() == "text/plain").get_payload(decode=True)
    assert f"https://files.example.com/rcm/acme/{PERIOD}/packet/acme_{PERIOD}_packet.pdf" in text.decode()
    assert events(workspace)[-2] == {"at": events(workspace)[-2]["at"], "event": "mail", "sent": True, "readers": 2}


def test_a_letter_that_does_not_go_out_is_told_and_undoes_nothing(workspace: Path) -> None:
    with (workspace / "rcm.toml").open("a") as file:
        file.write('[mail]\nhost = "127.0.0.1"\nport = 9\nsender = "rcm@example.com"\nto = ["a@example.com"]\n')
    ended = rcm(workspace, *PACKETS, "--client", "acme", "--mail")
    assert ended.returncode == 1 and "The summary was not mailed" in ended.stderr and "Traceback" not in ended.stderr
    assert (workspace / "runs" / "acme" / PERIOD / "packet" / f"acme_{PERIOD}_packet.pdf").is_file()
    told = events(workspace)
    assert told[-2]["event"] == "mail" and told[-2]["sent"] is False and told[-1]["exit_code"] == 1


def test_a_password_never_goes_in_clear(server, monkeypatch) -> None:
    box, settings = server
    monkeypatch.setenv(PASSWORD, "secret")
    with pytest.raises(RunError, match="in clear"):
        send(LETTER, settings)
    with pytest.raises(RunError, match="was not mailed") as refused:
        send(LETTER, settings | {"starttls": True})
    assert "secret" not in str(refused.value) and box.letters == []


def test_a_password_goes_over_an_encrypted_connection_to_a_server_whose_certificate_holds(
    server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not here to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    made = ["openssl", *words.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    box, settings = server
    logins: list = []

    def login(server, session, envelope, mechanism, data):
        logins.append((data.login, data.password, session.ssl is not None))
        return AuthResult(success=True)

    settings = settings | {"starttls": True, "host": "localhost", "port": free_port(), "user": "desk"}
    secure = Controller(
        box, "127.0.0.1", settings["port"], tls_context=context, require_starttls=True, authenticator=login
    )
    secure.start()
    try:
        monkeypatch.setenv(PASSWORD, "secret")
        with pytest.raises(RunError, match="SSLCertVerificationError"):
            send(LETTER, settings)
        assert logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        send(LETTER, settings)
    finally:
        secure.stop()
    assert logins == [(b"desk", b"secret", True)] and len(box.letters) == 1


@pytest.mark.parametrize(
    ("mail", "says"),
    [
        pytest.param('host = "h"\nsender = "s"', "under [mail] to", id="no reader"),
        pytest.param('host = "h"\nsender = "s"\nto = "a@b.c"', "under [mail] to", id="a reader that is no list"),
        pytest.param('host = "h"\nsender = "s"\nto = ["a"]\nport = "25"', "under [mail] port", id="a port in words"),
        pytest.param('hots = "h"', "Closest: host", id="an unknown word"),
    ],
)
def test_settings_of_mail_that_cannot_be_right_are_refused(workspace: Path, mail: str, says: str) -> None:
    with (workspace / "rcm.toml").open("a") as file:
        file.write(f"[mail]\n{mail}\n")
    ended = rcm(workspace, *PACKETS)
    assert ended.returncode == 2 and says in ended.stderr.replace("\n", " ") and "Traceback" not in ended.stderr


def test_mail_without_settings_runs_nothing(workspace: Path) -> None:
    ended = rcm(workspace, *PACKETS, "--mail")
    assert ended.returncode == 2 and "Nothing was run" in ended.stderr and not (workspace / "runs").exists()


def test_a_letter_about_nothing_made_names_every_reason(tmp_path: Path) -> None:
    results = [
        RunResult("review", "acme", PERIOD, tmp_path, "failed", 1.0, cell=3, error="KeyError.", attempts=2),
        RunResult("book", None, PERIOD, tmp_path, "failed", 1.0, error=f"{tmp_path}/x cannot be written."),
    ]
    letter = letter_of(results, PERIOD, tmp_path)
    assert letter.subject == "Packets of March 2026: 0 in place, 2 not made"
    assert letter.failures == (
        ("acme, review", "cell 3: KeyError. (2 attempts)"), ("portfolio, book", "x cannot be written.")
    )  # fmt: skip
