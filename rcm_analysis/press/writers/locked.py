"""Copies of a packet under a password (AES-256), for mail: the PDF as PDF 2.0 has it, workbooks as Excel has it.

The password of a client is read from the environment where it is used: `RCM_PACKET_PASSWORD`, or from the TOML file
that `RCM_PACKET_PASSWORDS` names, a line `client-id = "password"` each. It never enters a request, a plan, a log or a
file of the packet.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tomllib
from pathlib import Path

import pikepdf

from ...errors import RunError

PASSWORD, FILE = "RCM_PACKET_PASSWORD", "RCM_PACKET_PASSWORDS"
SHORTEST = 12
MARK = "_locked"
"""What the name of a copy under a password ends with, before its kind."""


def password_of(client: str) -> str:
    """The password of a client's copies.

    Raises
        RunError where there is none, it is shorter than 12 characters, or others may read the file that holds it.
    """
    place = os.environ.get(FILE, "")
    found = _listed(Path(place)).get(client) if place else os.environ.get(PASSWORD)
    where = f"a line {client} = ... in the file that {FILE} names" if place else f"the environment variable {PASSWORD}"
    if not isinstance(found, str) or len(found) < SHORTEST:
        state = "there is none" if not found else "it is shorter or no text"
        raise RunError(
            f"The registry asks for copies of {client}'s packet under a password of at least {SHORTEST} characters, "
            f"read from {where}; {state}. No packet was made."
        )
    return found


def _listed(path: Path) -> dict[str, object]:
    """The passwords of a file that its owner alone may read."""
    try:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise RunError(f"Others may read the file that {FILE} names. Make it its owner's alone: chmod 600.")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RunError(f"The file that {FILE} names cannot be read as TOML ({type(error).__name__}).") from None


def fingerprint(client: str) -> str:
    """Whether a password has changed since a packet was made, without a way back to it."""
    salted = hashlib.pbkdf2_hmac("sha256", password_of(client).encode(), f"rcm packet {client}".encode(), 200_000)
    return salted.hex()[:16]


def write_copies(folder: Path, stem: str, password: str) -> list[Path]:
    """A copy under the password beside the PDF and each workbook of this name."""
    made = []
    for path in sorted([folder / f"{stem}.pdf", *folder.glob(f"{stem}*.xlsx")]):
        copy = path.with_name(f"{path.stem}{MARK}{path.suffix}")
        copy.write_bytes((_pdf if path.suffix == ".pdf" else _workbook)(path.read_bytes(), password))
        made.append(copy)
    return made


def _pdf(data: bytes, password: str) -> bytes:
    """The PDF with AES-256 (revision 6): whoever has the password may do everything, also have it read out."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(owner=password, user=password, R=6))
    return out.getvalue()


def _workbook(data: bytes, password: str) -> bytes:
    """The workbook as Excel and LibreOffice lock it: ECMA-376 agile encryption with AES-256."""
    try:
        from msoffcrypto.format.ooxml import OOXMLFile
    except ImportError:
        raise RunError(
            'Workbooks under a password need the package msoffcrypto-tool: pip install "rcm_analysis[encrypt]". '
            "No packet was made."
        ) from None
    out = io.BytesIO()
    OOXMLFile(io.BytesIO(data)).encrypt(password, out)
    return out.getvalue()
