"""Bytes to segments, whatever the envelope looks like."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.x12.envelope import check_envelopes
from rcm_analysis.sources.x12.segments import (
    COMPONENT,
    components,
    elements,
    kind_of,
    read_segments,
    transactions,
    widest,
)
from rcm_analysis.sources.x12.values import cents, day, number, to_pandas

ISA = "ISA*00*          *00*          *ZZ*PAYER          *ZZ*PROVIDER       *260105*1200*^*00501*000000001*0*P*:~"
GS = "GS*HP*PAYER*PROVIDER*20260105*1200*1*X*005010X221A1~"
BODY = "ST*835*0001~BPR*I*80*C*CHK~TRN*1*77*1~CLP*A1*1*100*80~CAS*CO*45*20~SVC*HC:99213:25*100*80~SE*7*0001~"
FILE = ISA + GS + BODY + "GE*1*1~IEA*1*000000001~"
IDS = ["ISA", "GS", "ST", "BPR", "TRN", "CLP", "CAS", "SVC", "SE", "GE", "IEA"]


def with_marks(element: str, component: str, terminator: str) -> str:
    return FILE.translate(str.maketrans({"*": element, ":": component, "~": terminator}))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(FILE, id="the plain file"),
        pytest.param(FILE.replace("~", "~\n"), id="a newline behind every terminator"),
        pytest.param(FILE.replace("~", "~\r\n"), id="CRLF behind every terminator"),
        pytest.param(FILE.replace("~", "\n~"), id="the terminator stands on the next line"),
        pytest.param(FILE.replace("~", "\r\n~"), id="the terminator stands behind CRLF"),
        pytest.param(FILE.replace("~", "\n"), id="the newline is the terminator"),
        pytest.param(FILE.replace("~", "\r\n"), id="CRLF is the terminator"),
        pytest.param(FILE.replace("~", "\r"), id="the carriage return is the terminator"),
        pytest.param("\ufeff" + FILE, id="a BOM"),
        pytest.param(FILE.replace("~", "~\n    "), id="indented segments"),
        pytest.param(FILE.replace("~", "~\t"), id="tabs between segments"),
        pytest.param("From: payer\nNote: ISA* follows.\n\n" + FILE, id="prose before ISA"),
        pytest.param(FILE + "\r\n\r\n", id="blank lines at the end"),
        pytest.param(FILE + "\x1a", id="a Ctrl-Z at the end"),
        pytest.param("\x00\x00" + FILE, id="NUL bytes in front"),
        pytest.param(FILE.removesuffix("~"), id="the last trailer has no terminator"),
        pytest.param(FILE.replace("          ", ""), id="an ISA that is shorter than 106 characters"),
        pytest.param(
            FILE.replace("PAYER    ", "PAYER                   "), id="an ISA that is longer than 106 characters"
        ),
        pytest.param("\n".join(FILE[at : at + 80] for at in range(0, len(FILE), 80)), id="wrapped at 80 characters"),
        pytest.param(with_marks("|", "^", "~"), id="the delimiters | ^ ~"),
        pytest.param(with_marks("*", ">", "~"), id="the delimiters * > ~"),
        pytest.param(with_marks("*", ":", "\n"), id="the delimiters * : newline"),
        pytest.param(with_marks("\x1d", "\x1f", "\x1c"), id="control characters as delimiters"),
        pytest.param(with_marks("\x1f", "\x1d", "'"), id="control characters in other roles"),
        pytest.param(with_marks(",", ":", "'"), id="a comma as element separator"),
        pytest.param(FILE.replace("P*:~", "P*~"), id="ISA16 is left out"),
        pytest.param(
            FILE.replace("HC:99213:25", "HC>99213>25"),
            id="ISA16 names a component separator that the file does not use",
        ),
    ],
)
def test_every_wrapping_gives_the_same_segments(text):
    segments = read_segments(text.encode())
    assert segments.frame["id"].to_list() == IDS
    assert segments.frame["number"].to_list() == list(range(1, 12))
    assert (segments.incomplete, segments.strange) == ([], [])
    rows = elements(segments.frame.filter(pl.col("id").is_in(["CLP", "CAS"])), 4)
    assert rows.select("e1", "e2", "e3", "e4").rows() == [("A1", "1", "100", "80"), ("CO", "45", "20", None)]
    service = components(elements(segments.frame.filter(id="SVC"), 3), "e1", 3, "procedure")
    assert service.select("^procedure.$").row(0) == ("HC", "99213", "25")
    assert kind_of(text.encode()) == {"835"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GS + BODY + "GE*1*1~", id="starts at GS"),
        pytest.param(BODY, id="starts at ST"),
        pytest.param("Remittance of May\n" + BODY, id="prose, then ST"),
        pytest.param(BODY.replace("~", "\n"), id="starts at ST, newline as terminator"),
        pytest.param(BODY.replace("*", "|").replace("~", "'"), id="starts at ST, other delimiters"),
        pytest.param(BODY.removeprefix("ST*835*0001~").removesuffix("SE*7*0001~"), id="starts at BPR"),
        pytest.param(ISA.replace("*0*P*", "*P*") + GS + BODY, id="an ISA with an element too few"),
    ],
)
def test_without_a_usable_isa_the_segments_themselves_tell_the_delimiters(text):
    rows = transactions(read_segments(text.encode()), "835").filter(transaction=1)
    assert [name for name in rows["id"] if name not in ("ST", "SE")] == ["BPR", "TRN", "CLP", "CAS", "SVC"]
    assert kind_of(text.encode()) == {"835"}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"Patient,Charge\nA,12\n", id="a CSV"),
        pytest.param(b"%PDF-1.7 stream", id="a PDF"),
        pytest.param(b"PK\x03\x04 sheet.xml", id="an XLSX"),
        pytest.param(bytes(range(256)) * 20, id="every byte there is"),
        pytest.param(b"\xff\xfeP\x00a\x00", id="UTF-16 prose"),
        pytest.param(b"ISA*00*", id="an ISA that breaks off"),
        pytest.param(b"State,Name\nST,835 Main\nST,12\n", id="a CSV with a column that looks like ST"),
    ],
)
def test_what_is_not_x12_is_refused_without_quoting_it(data):
    assert kind_of(data) == set()
    with pytest.raises(SourceError, match="is not an X12 file: expected a segment ISA, GS, ST or BPR") as refusal:
        read_segments(data)
    assert "Patient" not in str(refusal.value)


def test_an_empty_file_and_a_missing_file_are_told_apart(tmp_path: Path):
    (tmp_path / "empty.835").write_bytes(b" \r\n")
    with pytest.raises(SourceError, match=r"empty.835 is empty"):
        read_segments(tmp_path / "empty.835")
    with pytest.raises(SourceError, match=r"none.835 could not be read"):
        read_segments(tmp_path / "none.835")


def test_latin_1_and_utf_8_text_both_arrive():
    for encoding in ("latin-1", "utf-8", "utf-16"):
        text = FILE.replace("GS*HP*PAYER", "GS*HP*CAFÉ")
        heads = elements(read_segments(text.encode(encoding)).frame.filter(id="GS"), 2)
        assert heads["e2"].to_list() == ["CAFÉ"], encoding


def test_several_interchanges_with_different_delimiters_in_one_file():
    data = (FILE + "\n" + with_marks("|", ">", "\n") + BODY.join([ISA + GS, "GE*1*1~IEA*1*1~"])).encode()
    segments = read_segments(data)
    assert segments.frame["id"].to_list() == IDS * 3
    assert transactions(segments, "835")["transaction"].unique().sort().to_list() == [0, 1, 2, 3]


def test_a_name_that_ends_in_isa_is_no_interchange():
    named = FILE.replace("CAS*", "NM1*QC*1*DOE*LISA*M***MI*1~NM1*QC*1*GARCIA ISA*ANA****MI*12345~CAS*")
    assert read_segments(named.encode()).frame["piece"].unique().to_list() == [0]


def test_a_file_glued_to_a_cut_one_loses_only_the_cut_segment():
    cut = FILE[: FILE.index("*80~CAS")] + "*8"
    segments = read_segments((cut + FILE).encode())
    assert segments.frame["id"].to_list() == IDS[:5] + IDS
    assert segments.incomplete == [6]


def test_text_without_a_segment_id_is_left_out_and_found():
    segments = read_segments(FILE.replace("CAS*", "see the letter of May 3~CAS*").encode())
    assert segments.frame["id"].to_list() == IDS
    assert segments.strange == [7]
    assert check_envelopes(segments)["rule"].to_list() == ["segment_count", "unrecognised_segment"]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        pytest.param(FILE, [], id="a sound envelope"),
        pytest.param(FILE.replace("SE*7", "SE*8"), ["segment_count"], id="SE counts one too many"),
        pytest.param(FILE.replace("SE*7", "SE*x"), ["segment_count"], id="SE counts no number"),
        pytest.param(FILE.replace("SE*7*0001", "SE*7*0002"), ["control_number"], id="SE closes another transaction"),
        pytest.param(FILE.replace("SE*7*0001~", ""), ["missing_trailer"], id="no SE"),
        pytest.param(FILE.replace("GE*1*1~", ""), ["missing_trailer"], id="no GE"),
        pytest.param(FILE.replace("GE*1", "GE*2"), ["group_count"], id="GE counts two transactions"),
        pytest.param(FILE.replace("IEA*1*000000001~", ""), ["missing_trailer"], id="no IEA"),
        pytest.param(FILE.replace("IEA*1", "IEA*3"), ["group_count"], id="IEA counts three groups"),
        pytest.param(BODY, ["missing_header"], id="no ISA"),
        pytest.param(FILE.replace("ST*835*0001~", ""), ["missing_header"], id="no ST"),
        pytest.param(
            FILE[: FILE.index("GE*") + 2],
            ["missing_trailer", "missing_trailer", "incomplete_segment"],
            id="cut inside GE",
        ),
    ],
)
def test_the_envelope_is_compared_with_what_it_holds(text, rules):
    found = check_envelopes(read_segments(text.encode()))
    assert sorted(found["rule"].to_list()) == sorted(rules)


def test_only_transactions_of_the_wanted_kind_are_numbered():
    status = "ST*277*0001~BHT*0010*08*1*20260105*1200~TRN*2*77~STC*A2*20260105~SE*5*0001~"
    mixed = FILE.replace("GE*", status + BODY + "GE*")
    rows = transactions(read_segments(mixed.encode()), "835")
    assert rows.filter(id="ST")["transaction"].to_list() == [1, 0, 2]
    assert kind_of(mixed.encode()) == {"835", "277"}


def test_elements_are_trimmed_and_empty_ones_are_missing():
    rows = read_segments(b"ST*835*1~BPR*  I * ** A B *~").frame.filter(id="BPR")
    assert elements(rows, 6).select(f"e{place}" for place in range(1, 7)).row(0) == ("I", None, None, "A B", None, None)
    assert widest(rows) == 5


def test_components_keep_their_places():
    frame = pl.DataFrame({"text": [COMPONENT.join(["HC", "", "25"]), "99213", None]})
    assert components(frame, "text", 3, "c").drop("text").rows() == [
        ("HC", None, "25"),
        ("99213", None, None),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        pytest.param("0", 0, id="zero"),
        pytest.param("12", 1200, id="whole dollars"),
        pytest.param("12.3", 1230, id="one digit behind the point"),
        pytest.param("-12.34", -1234, id="negative"),
        pytest.param("+1.00", 100, id="a plus sign"),
        pytest.param(".5", 50, id="no digit before the point"),
        pytest.param("7.", 700, id="no digit behind the point"),
        pytest.param("1.2300", 123, id="zeros behind the cents"),
        pytest.param("0.29", 29, id="a value that floats get wrong"),
        pytest.param("1.005", None, id="a fraction of a cent"),
        pytest.param("1,000.00", None, id="a thousands comma"),
        pytest.param("$5", None, id="a dollar sign"),
        pytest.param("1e3", None, id="an exponent"),
        pytest.param("nan", None, id="not a number"),
        pytest.param("-", None, id="a sign alone"),
        pytest.param(".", None, id="a point alone"),
        pytest.param("123456789012345.67", 12345678901234567, id="more digits than a float holds"),
        pytest.param("1" * 30, None, id="more digits than cents can hold"),
    ],
)
def test_money_is_exact_or_nothing(text, amount):
    assert pl.DataFrame({"text": [text]}).select(cents(pl.col("text"))).item() == amount


def test_days_and_numbers_that_are_none_are_empty():
    frame = pl.DataFrame({"text": ["20240229", "20230229", "240229", "20240229-20240302", "2024", "soon", ""]})
    assert [str(value) for value in frame.select(day(pl.col("text"))).to_series()] == [
        "2024-02-29",
        "None",
        "2024-02-29",
        "2024-02-29",
        "None",
        "None",
        "None",
    ]
    frame = pl.DataFrame({"text": ["1.5", "-2", "inf", "NaN", "two"]})
    assert frame.select(number(pl.col("text"))).to_series().to_list() == [1.5, -2.0, None, None, None]


def test_pandas_types_do_not_depend_on_the_rows():
    frame = pl.DataFrame(
        {"a": [1, 2], "b": [1, None], "c": ["x", None], "d": [None, None]},
        schema={"a": pl.Int64, "b": pl.Int64, "c": pl.String, "d": pl.Date},
    )
    full, empty = to_pandas(frame, ("b",)), to_pandas(frame.clear(), ("b",))
    assert full.dtypes.astype(str).to_dict() == empty.dtypes.astype(str).to_dict()
    assert full.dtypes.astype(str).to_dict()["a"] == "int64"
    assert full["b"].tolist()[0] == 1 and full["b"].isna().tolist() == [False, True]
    assert str(full["d"].dtype) == "datetime64[us]"
