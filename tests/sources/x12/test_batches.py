"""Files read in one pass say what they say alone."""

import dataclasses

import pandas as pd
import pytest

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.x12 import intake
from rcm_analysis.sources.x12.claim837 import read_837
from rcm_analysis.sources.x12.remit835 import read_835
from rcm_analysis.sources.x12.segments import kind_of


def remit(number: int, claims: int = 2, *, terminator: str = "~", unbalanced: bool = False) -> bytes:
    """One 835 with `claims` claims of one line each, and a provider adjustment."""
    body = [
        "ST*835*0001",
        f"BPR*I*{80 * claims - 5}*C*ACH************20260310",
        f"TRN*1*{number}*1512345678",
        "N1*PR*PAYER*XV*00512",
        "N1*PE*ACME*XX*1234567893",
        "LX*1",
    ]
    for claim in range(claims):
        body += [
            f"CLP*{number}-{claim}*1*100*{81 if unbalanced else 80}**MB*I{claim}",
            "SVC*HC:99213*100*80",
            "CAS*CO*45*15**253*5",
        ]
    body.append("PLB*1234567893*20261231*WO:77*5")
    head = (
        f"ISA*00*          *00*          *ZZ*S              *ZZ*R              *260310*1200*^*00501*{number:09d}*0*P*:"
    )
    segments = [
        head,
        "GS*HP*S*R*20260310*1200*1*X*005010X221A1",
        *body,
        f"SE*{len(body) + 1}*0001",
        "GE*1*1",
        f"IEA*1*{number:09d}",
        "",
    ]
    return terminator.join(segments).encode()


def assert_same(found, alone, *, places: bool = True):
    for item in dataclasses.fields(alone):
        left, right = getattr(found, item.name), getattr(alone, item.name)
        if not places:
            drop = [name for name in ("segment", "first_segment") if name in right]
            left, right = left.drop(columns=drop), right.drop(columns=drop)
        pd.testing.assert_frame_equal(left, right, check_dtype=False, obj=item.name)


@pytest.mark.parametrize(
    "files",
    [
        pytest.param([remit(1)], id="one file"),
        pytest.param([remit(1), remit(2, 3), remit(3, 1)], id="clean files of different length"),
        pytest.param(
            [remit(1), remit(2, terminator="|"), remit(3, terminator="~\r\n")], id="other delimiters in between"
        ),
        pytest.param([remit(1), remit(2, unbalanced=True), remit(3)], id="one that does not balance"),
        pytest.param([remit(1), remit(2)[:-90], remit(3)], id="one that is cut off"),
        pytest.param([remit(1), remit(1)], id="the same file twice"),
    ],
)
def test_each_file_says_what_it_says_alone(files):
    found = intake.read_together(files, read_835, "835")
    assert len(found) == len(files)
    for result, data in zip(found, files, strict=True):
        assert_same(result, read_835(data), places=False)


def test_findings_name_the_place_in_their_own_file():
    found = intake.read_together([remit(1), remit(2, unbalanced=True), remit(3)], read_835, "835")
    assert [len(result.findings) > 0 for result in found] == [False, True, False]
    pd.testing.assert_frame_equal(found[1].findings, read_835(remit(2, unbalanced=True)).findings)


def test_what_cannot_be_read_comes_back_as_its_error():
    found = intake.read_together([remit(1), b"ISA*junk", remit(2)], read_835, "835")
    assert [isinstance(result, SourceError) for result in found] == [False, True, False]


def test_piles_have_a_size(monkeypatch):
    monkeypatch.setattr(intake, "PILE_BYTES", 1500)
    files = [remit(number) for number in range(1, 6)]
    for result, data in zip(intake.read_together(files, read_835, "835"), files, strict=True):
        assert_same(result, read_835(data), places=False)


@pytest.mark.parametrize(("kind", "read"), [("835", read_835), ("837", read_837)])
def test_real_files_say_together_what_they_say_alone(samples, kind, read):
    files = [
        path.read_bytes() for path in sorted((samples / "x12").rglob("*")) if path.is_file() and path.suffix != ".csv"
    ]
    files = [data for data in files if kind in kind_of(data)]
    assert len(files) > 10
    for result, data in zip(intake.read_together(files, read, kind), files, strict=True):
        assert_same(result, read(data), places=False)
