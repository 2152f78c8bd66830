"""The summary of a batch as a letter: what is in place, what is not and why, where to open it; and its way by SMTP.

The letter holds ids of clients, names of reports and reasons, and no value from the data.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...errors import RunError
from ...periods import Period
from ...tables.disk import make_folder, write_text
from ..runs import folders
from ..runs.packet import MANAGER, NAME
from ..runs.run import RunResult
from .index import Link, links_of, templates

PASSWORD = "RCM_MAIL_PASSWORD"
"""The environment variable with the password of the mail server."""

SECONDS = 60


@dataclass(frozen=True)
class Letter:
    """What a letter says: failures with their reasons, and what was made with its links, which begin with `base`."""

    subject: str
    failures: tuple[tuple[str, str], ...]
    made: tuple[tuple[str, str, tuple[Link, ...]], ...]
    base: str = ""
    headings: tuple[str, str] = ("Not made", "In place")
    """Over the failures, and over what was made."""

    def html(self) -> str:
        """The letter for mail programs that show HTML."""
        return templates().get_template("mail.html").render(letter=self)

    def text(self) -> str:
        """The letter in plain text."""
        return templates().get_template("mail.txt").render(letter=self)


def letter_of(results: Sequence[RunResult], period: str, runs: Path, base: str = "") -> Letter:
    """The letter about a batch: a line per failure, a line per packet and portfolio report that is in place."""
    failures = tuple((_who(one), _reason(one, runs)) for one in results if not one.good)
    told = [one for one in results if one.good and (one.template == NAME or not one.client)]
    good = Counter(one.client for one in results if one.good and one.template != NAME)
    made = tuple((_who(one), _said(one, good[one.client]), _links(one, runs)) for one in told)
    packets = sum(one.template == NAME for one in told)
    subject = f"Packets of {Period.month(period).title}: {packets} in place, {len(failures) or 'nothing'} not made"
    return Letter(subject, failures, made, base and f"{base.rstrip('/')}/")


def _who(result: RunResult) -> str:
    return f"{result.client or folders.PORTFOLIO}, {result.template}"


def _reason(result: RunResult, runs: Path) -> str:
    where = f"cell {result.cell}: " if result.cell is not None else ""
    tries = f" ({result.attempts} attempts)" if result.attempts > 1 else ""
    return where + result.error.replace(f"{Path(runs)}{os.sep}", "") + tries


def _said(result: RunResult, reports: int) -> str:
    parts = [{"done": "made", "reused": "unchanged"}[result.status]]
    parts += [f"{reports} report(s)"] if result.template == NAME else []
    parts += [f"{result.pages} pages"] if result.pages else []
    return ", ".join(
        [*parts, *(["some reports are missing"] if any("Not in this" in w for w in result.warnings) else [])]
    )


def _links(result: RunResult, runs: Path) -> tuple[Link, ...]:
    if result.template == NAME:
        copies = [Link(f"manager's {link.text}", link.place) for link in links_of(result.folder.parent, MANAGER)]
        return (*links_of(result.folder.parent), *copies)
    place = quote(result.folder.relative_to(runs).as_posix())
    return tuple(Link(file.rpartition(".")[2].upper(), f"{place}/{file}") for file in ("report.pdf", "report.html"))


def write_letter(letter: Letter, path: Path) -> list[Path]:
    """The letter as `path.html` and `path.txt`, for whoever mails them."""
    make_folder(path.parent)
    written = {path.with_name(f"{path.name}.html"): letter.html(), path.with_name(f"{path.name}.txt"): letter.text()}
    for file, text in written.items():
        write_text(file, text)
    return list(written)


def send(letter: Letter, settings: Mapping[str, Any]) -> None:
    """Mail the letter by the server under [mail] in rcm.toml.

    A password comes from the environment and only ever goes over an encrypted connection.

    Raises
        RunError when the server cannot be reached or refuses; the packets are in place all the same.
    """
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = letter.subject, settings["sender"], ", ".join(settings["to"])
    message.set_content(letter.text())
    message.add_alternative(letter.html(), subtype="html")
    password, starttls = os.environ.get(PASSWORD, ""), settings.get("starttls", True)
    if password and not starttls:
        raise RunError(
            f"The summary was not mailed: with starttls = false the password in {PASSWORD} would go in clear."
        )
    port = settings.get("port", 587 if starttls else 25)
    try:
        with smtplib.SMTP(settings["host"], port, timeout=SECONDS) as server:
            if starttls:
                server.starttls(context=ssl.create_default_context())
            if password:
                server.login(settings.get("user", settings["sender"]), password)
            refused = server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
        raise RunError(
            f"The summary was not mailed: {settings['host']}, port {port}, answered with {type(error).__name__}{code}. "
            f"Look at [mail] in rcm.toml and at {PASSWORD}; the packets are in place."
        ) from error
    if refused:
        raise RunError(f"The summary reached some of its readers only: the server refused {len(refused)} address(es).")
