"""The firm's look: its color as far as it can be read, its logo and disclaimer in every file, and copies for mail."""

from __future__ import annotations

import base64
import datetime as dt
import io
import stat
import zlib
from dataclasses import replace
from pathlib import Path

import openpyxl
import page as page_validation
import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import press_samples as samples
from rcm_analysis.blocks.vocabulary import Brand, Meta
from rcm_analysis.errors import RunError
from rcm_analysis.press.document.document import Document
from rcm_analysis.press.document.extract import extract
from rcm_analysis.press.writers import html, locked, pdf, style
from rcm_analysis.press.writers.workbook import Section, write_workbook

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><rect width="60" height="20" fill="#c00"/></svg>'
DISCLAIMER = "No legal, tax or coding advice."
MOMENT = dt.datetime(2026, 11, 5, 9, 30, tzinfo=dt.UTC)
PROFILES = (page_validation.ValidationProfile.PDF_A_2A, page_validation.ValidationProfile.PDF_UA_1)
PASSWORD = "a long enough password"


def png(width: int = 6, height: int = 2) -> bytes:
    def part(name: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    head = part(b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0]))
    rows = zlib.compress((b"\0" + b"\xc0\0\0" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", rows) + part(b"IEND", b"")


def branded(logo: bytes = SVG, mime: str = "image/svg+xml", layout: str = "", **more: str) -> Document:
    brand = Brand("#7cb342", base64.b64encode(logo).decode(), mime, DISCLAIMER)
    document = extract(samples.review())
    return replace(document, meta=replace(document.meta, brand=replace(brand, **more), layout=layout))


@given(st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}"))
def test_every_color_can_be_read_in_both_schemes_and_is_kept_where_it_can(color: str) -> None:
    both = style.palettes(color)
    for palette in (both.light, both.dark):
        for ground in ("paper", "tint", "brand_tint"):
            assert style.contrast(palette["brand"], palette[ground]) >= 4.5, ground
        assert style.contrast(palette["cover_ink"], palette["cover"]) >= 4.5
        assert style.contrast(palette["ink"], palette["brand_tint"]) >= 4.5
    assert (both.light["brand"] == color) == (not both.said)
    assert set(both.light) == set(both.dark) == set(style.PALETTE | style.COVERS[0])


def test_what_numbers_mean_keeps_its_colors() -> None:
    ours = style.palettes("#2e7d32").light
    assert ours["brand"] == "#2e7d32" and {ours[name] for name in ("good", "bad", "strong", "medium")} == {
        style.PALETTE[name] for name in ("good", "bad", "strong", "medium")
    }


def test_a_brand_comes_back_from_its_payload_and_what_is_none_is_left_out() -> None:
    meta = branded().meta
    assert Meta.read(meta.payload) == meta and "brand" not in Meta(title="x").payload
    assert Brand.read({"color": "red", "mime": "text/html", "logo": "no base64!"}).picture == b""
    assert Brand.read({"color": "red;} body{"}).color == ""


def test_the_page_bears_color_logo_and_disclaimer() -> None:
    page = html.render(branded(), fonts="system")
    brand = style.palettes("#7cb342").light["brand"]
    assert f"--brand:{brand};" in page and f'src="data:image/svg+xml;base64,{branded().meta.brand.logo}"' in page
    assert DISCLAIMER in page.partition("<footer>")[2]


@pytest.mark.parametrize("layout", ["", "brief"])
@pytest.mark.parametrize(("logo", "mime"), [(SVG, "image/svg+xml"), (png(), "image/png")], ids=["svg", "png"])
def test_the_pdf_bears_them_and_stays_valid(logo: bytes, mime: str, layout: str) -> None:
    bare = pdf.render(replace(branded(), meta=replace(branded().meta, brand=Brand(), layout=layout)), timestamp=MOMENT)
    made = pdf.render(branded(logo, mime, layout), timestamp=MOMENT)
    reports = [page_validation.validate_pdf_bytes(made.bytes, profile=profile) for profile in PROFILES]
    assert [failure.message for report in reports for failure in report.failures] == []
    assert any("#7cb342" in said for said in made.warnings) and len(made.bytes) > len(bare.bytes)


def test_a_logo_that_cannot_be_drawn_leaves_the_report_whole() -> None:
    made = pdf.render(branded(b"<svg broken"), timestamp=MOMENT)
    assert any("logo could not be drawn" in said for said in made.warnings) and made.pages


@pytest.mark.parametrize(("logo", "mime"), [(SVG, "image/svg+xml"), (png(), "image/png")], ids=["svg", "png"])
def test_the_first_sheet_bears_logo_and_disclaimer(tmp_path: Path, logo: bytes, mime: str) -> None:
    write_workbook([Section("Review", ())], tmp_path / "b.xlsx", meta=branded(logo, mime).meta)
    sheet = openpyxl.load_workbook(tmp_path / "b.xlsx")["Contents"]
    assert len(sheet._images) == 1 and DISCLAIMER in [cell.value for (cell, *_) in sheet.iter_rows()]


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    document = extract(samples.review())
    (tmp_path / "p.pdf").write_bytes(pdf.render(document, timestamp=MOMENT).bytes)
    write_workbook([Section("Review", ())], tmp_path / "p.xlsx", meta=document.meta)
    locked.write_copies(tmp_path, "p", PASSWORD)
    return tmp_path


def test_copies_open_with_the_password_alone(copies: Path) -> None:
    from msoffcrypto import OfficeFile

    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(copies / "p_locked.pdf")
    with pikepdf.open(copies / "p_locked.pdf", password=PASSWORD) as opened:
        assert opened.encryption.bits == 256 and opened.encryption.R == 6
    book, plain = OfficeFile(io.BytesIO((copies / "p_locked.xlsx").read_bytes())), io.BytesIO()
    assert book.is_encrypted()
    book.load_key(password=PASSWORD)
    book.decrypt(plain)
    assert plain.getvalue() == (copies / "p.xlsx").read_bytes()


def test_a_password_stands_in_no_file(copies: Path) -> None:
    found = [path.read_bytes() for path in copies.iterdir()]
    forms = (PASSWORD.encode(), PASSWORD.encode("utf-16-le"), base64.b64encode(PASSWORD.encode()))
    assert not [form for form in forms for data in found if form in data]


def test_passwords_come_from_the_environment_or_a_file_of_ones_own(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "passwords.toml"
    file.write_text(f'acme = "{PASSWORD} too"\nshort = "short"\n')
    file.chmod(0o600)
    monkeypatch.setenv(locked.PASSWORD, PASSWORD)
    assert locked.password_of("acme") == PASSWORD
    monkeypatch.setenv(locked.FILE, str(file))
    assert locked.password_of("acme") == f"{PASSWORD} too"
    for client in ("short", "nobody"):
        with pytest.raises(RunError, match="at least 12 characters") as refused:
            locked.password_of(client)
        assert 'short"' not in str(refused.value)
    file.chmod(0o644)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    with pytest.raises(RunError, match="chmod 600"):
        locked.password_of("acme")
    monkeypatch.setenv(locked.FILE, str(tmp_path / "none.toml"))
    with pytest.raises(RunError, match="cannot be read as TOML"):
        locked.password_of("acme")
    monkeypatch.delenv(locked.FILE)
    monkeypatch.delenv(locked.PASSWORD)
    with pytest.raises(RunError, match="there is none"):
        locked.password_of("acme")
