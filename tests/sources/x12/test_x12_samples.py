"""Real 835 and 837 files: the counts of an independent reader, and oxedi beside ours."""

from __future__ import annotations

import csv
from pathlib import Path

import oxedi
import polars as pl
import pytest

from rcm_analysis.errors import SourceError
from rcm_analysis.sources.x12.claim837 import read_837
from rcm_analysis.sources.x12.remit835 import read_835
from rcm_analysis.sources.x12.segments import kind_of, read_segments

COUNTED = ("ST", "CLP", "SVC", "CAS", "PLB", "CLM")
HIDDEN_HEADER = "ISA0/IEA1"
"""The independent reader overlooked an ISA that stands behind prose; ours finds it."""


@pytest.fixture(scope="module")
def expected(samples: Path) -> list[dict[str, str]]:
    folder = samples / "x12"
    with (folder / "_expected.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) > 100
    return [row | {"file": str(folder / row["repo"] / row["path"])} for row in rows]


def test_every_sample_has_the_segments_that_were_counted_independently(expected):
    for row in expected:
        segments = read_segments(Path(row["file"]))
        ids = segments.frame["id"].to_list()
        found = {name: ids.count(name) for name in COUNTED} | {"seg": len(ids), "ISA": ids.count("ISA")}
        wanted = {name: int(row[name]) for name in found}
        wanted["ISA"] += row["odd"].endswith(HIDDEN_HEADER)
        assert found == wanted, row["path"]
        assert not segments.incomplete and not segments.strange, row["path"]
        assert kind_of(Path(row["file"]).read_bytes()) == {row["tx"]}, row["path"]


def test_every_835_has_its_counts_and_balances_as_counted_independently(expected):
    rows = [row for row in expected if row["tx"] == "835"]
    assert len(rows) == 20
    for row in rows:
        remittance = read_835(row["file"])
        claims, payments, rules = (len(remittance.claims), len(remittance.payments), remittance.findings["rule"])
        found = {
            "ST": payments,
            "CLP": claims,
            "SVC": len(remittance.lines),
            "CAS": remittance.adjustments["segment"].nunique(),
            "PLB": remittance.provider_adjustments["segment"].nunique(),
            "reversal22": int((remittance.claims["status"] == "22").sum()),
            "denied4": int((remittance.claims["status"] == "4").sum()),
        }
        assert found == {name: int(row[name]) for name in found}, row["path"]
        balanced = (claims - int((rules == "claim_balance").sum()), payments - int((rules == "payment_balance").sum()))
        assert f"claims {balanced[0]}/{claims}; BPR {balanced[1]}/{payments}" == row["balance"], row["path"]


def test_every_837_has_its_claims_and_each_of_them_adds_up(expected):
    rows = [row for row in expected if row["tx"] == "837"]
    assert len(rows) == 80
    for row in rows:
        read = read_837(row["file"])
        assert len(read.submissions) == int(row["CLM"]), row["path"]
        assert set(read.lines["claim_index"]) == set(range(len(read.submissions))), row["path"]
        assert not read.findings["rule"].isin(["claim_balance", "orphan_segment", "unreadable_amount"]).any(), row[
            "path"
        ]
        by_claim = read.lines.groupby("claim_index")["charge_cents"].sum().tolist()
        assert by_claim == read.submissions["charge_cents"].tolist(), row["path"]
        assert set(read.submissions["claim_type"]) <= {"professional", "institutional", "dental"}, row["path"]


def test_a_file_of_another_kind_is_refused_with_its_kind(expected):
    for row in expected:
        for kind, read in (("835", read_835), ("837", read_837)):
            if row["tx"] != kind:
                with pytest.raises(SourceError, match=f"holds no {kind}: found transactions of kind {row['tx']}"):
                    read(row["file"])


def test_oxedi_reads_the_same_claims_lines_and_adjustments(expected):
    compared = 0
    for row in (row for row in expected if row["tx"] == "835"):
        try:
            theirs = oxedi.parse_file(row["file"]).tables
        except oxedi.ParseError:
            continue
        ours, compared = read_835(row["file"]), compared + 1
        frames = {name: pl.DataFrame(theirs[name]) for name in theirs.keys()}  # noqa: SIM118
        assert _theirs(frames["payments"], "total_payment_amount", "trace_number") == _ours(
            ours.payments, "paid_cents", "trace"
        )
        assert _theirs(
            frames["claims"],
            "charge_amount",
            "payment_amount",
            "patient_responsibility",
            "claim_id",
            "claim_status",
            "payer_control_number",
        ) == _ours(
            ours.claims,
            "charge_cents",
            "paid_cents",
            "patient_responsibility_cents",
            "claim_id",
            "status",
            "payer_claim_id",
        ), row["path"]
        assert _theirs(frames["services"], "claim", "charge_amount", "payment_amount", "allowed_amount") == _ours(
            ours.lines, "claim_index", "charge_cents", "paid_cents", "allowed_cents"
        ), row["path"]
        for their, our in zip(
            _theirs(frames["services"], "procedure_code"), _ours(ours.lines, "procedure"), strict=True
        ):
            assert their in ((None,), our), row["path"]  # oxedi believes an ISA16 that the file does not use
        assert _theirs(
            frames["adjustments"], "claim", "service", "group_code", "reason_code", "amount", "quantity"
        ) == _ours(ours.adjustments, "claim_index", "line_index", "group", "carc", "amount_cents", "quantity"), row[
            "path"
        ]
        assert _theirs(frames["provider_adjustments"], "reason_code", "reference_id", "amount") == _ours(
            ours.provider_adjustments, "reason", "reference", "amount_cents"
        ), row["path"]
    assert compared >= 16


def _theirs(frame: pl.DataFrame, *columns: str) -> list[tuple]:
    money = [name for name in columns if name.endswith("amount") or name == "patient_responsibility"]
    frame = frame.select(columns).with_columns(
        (pl.col(money) * 100).cast(pl.Int64), pl.col(pl.Binary).cast(pl.String), pl.col("^quantity$").cast(pl.Float64)
    )
    return frame.rows()


def _ours(frame, *columns: str) -> list[tuple]:
    return pl.from_pandas(frame[list(columns)]).rows()
