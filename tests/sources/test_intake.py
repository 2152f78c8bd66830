"""Intake: everything is stored once, set aside with its dollars, or refused with one message; nothing is lost."""

import datetime as dt
import os

import polars as pl
import pytest

from builders.small_clients import MAP
from rcm_analysis.errors import SourceError, StoreError
from rcm_analysis.ledger.reconciliation import check_client
from rcm_analysis.periods import Period
from rcm_analysis.sources.intake import find_files, ingest_client
from rcm_analysis.tables import store as store_module
from rcm_analysis.tables.workspace import open_workspace

REGISTRY = """
[payers.medicare]
name = "Medicare"
payer_class = "medicare"
identifiers = ["00512"]

[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
npis = ["1234567893"]
column_maps = ["pm"]

[clients.other]
name = "Other"
providers = 2
revenue = "1.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
npis = ["1999999984"]
column_maps = ["pm"]
"""

HEADER = "Txn,Claim,Type,Party,Date,Posted,Amount"


def posting(number: int, day: int, amount: str = "100.00", kind: str = "charge", month: int = 3) -> str:
    return f"{number},00017,{kind},primary,{month:02d}/{day:02d}/2026,{month:02d}/{day:02d}/2026,{amount}"


def remit(
    trace: str = "77", paid: str = "80.00", claim: str = "00017", npi: str = "1234567893", day: str = "20260310"
) -> bytes:
    """One balanced 835; CLP charge 100.00."""
    adjusted = f"{100 - float(paid):.2f}"
    body = [
        "ST*835*0001",
        f"BPR*I*{paid}*C*ACH************{day}",
        f"TRN*1*{trace}*1512345678",
        "N1*PR*MEDICARE*XV*00512",
        f"N1*PE*ACME*XX*{npi}",
        "LX*1",
        f"CLP*{claim}*1*100.00*{paid}**MB*ICN1",
        "NM1*QC*1*DOE*JANE****MI*SECRET1",
        f"SVC*HC:99213*100.00*{paid}",
        f"CAS*CO*45*{adjusted}",
    ]
    segments = [
        f"ISA*00*          *00*          *ZZ*S              *ZZ*R              *{day[2:]}*1200*^*00501*000000001*0*P*:",
        f"GS*HP*S*R*{day}*1200*1*X*005010X221A1",
        *body,
        f"SE*{len(body) + 1}*0001",
        "GE*1*1",
        "IEA*1*000000001",
    ]
    return ("~".join(segments) + "~").encode()


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "clients.toml").write_text(REGISTRY)
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "pm.toml").write_text(MAP)
    (tmp_path / "raw" / "acme").mkdir(parents=True)
    return open_workspace(tmp_path)


def put(workspace, name: str, content: str | bytes, client: str = "acme"):
    path = workspace.paths["raw"] / client / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def take(workspace, client: str = "acme"):
    return ingest_client(workspace, client, find_files(workspace, client=client)[client])


def stored(workspace, table: str, client: str = "acme") -> pl.DataFrame:
    return workspace.client(client).tables()[table].collect()


def rules(report) -> list[str]:
    return report.findings["rule"].to_list()


def export(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def test_files_are_recognised_by_content_whatever_they_are_called(workspace):
    put(workspace, "holiday.jpg", remit())
    put(workspace, "notes.835", export(posting(1, 5)))
    report = take(workspace)
    assert {item.file: item.kind for item in report.files} == {"holiday.jpg": "835", "notes.835": "transactions (pm)"}
    assert stored(workspace, "deposits")["paid_cents"].to_list() == [8000]
    assert stored(workspace, "transactions")["amount_cents"].to_list() == [10000]


def test_codes_keep_their_leading_zeros_and_payers_get_our_ids(workspace):
    put(workspace, "a.835", remit())
    take(workspace)
    row = stored(workspace, "remit_claims").row(0, named=True)
    assert (row["claim_id"], row["payer"], row["payer_order"], row["received_on"]) == (
        "00017",
        "medicare",
        "primary",
        dt.date(2026, 3, 10),
    )


@pytest.mark.parametrize(
    ("again", "rule"),
    [
        pytest.param(lambda data: data, "duplicate_file", id="the same bytes under another name"),
        pytest.param(
            lambda data: data.replace(b"~", b"~\r\n"), "duplicate_remittance", id="the same remittance with line ends"
        ),
        pytest.param(
            lambda data: data.replace(b"000000001", b"000000999"),
            "duplicate_remittance",
            id="the same remittance in another envelope",
        ),
        pytest.param(
            lambda data: data.replace(b"00017", b"00018"),
            "same_check_again",
            id="the same check with other claims waits for a person",
        ),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["in one intake", "in a later intake"])
def test_a_remittance_never_doubles_the_cash(workspace, again, rule, at_once):
    put(workspace, "first.835", remit())
    if not at_once:
        take(workspace)
    put(workspace, "second.835", again(remit()))
    report = take(workspace)
    assert stored(workspace, "deposits")["paid_cents"].sum() == 8000
    assert stored(workspace, "remit_claims").height == stored(workspace, "remit_lines").height == 1
    assert rule in rules(report) and report.needs_person
    assert len(report.findings.filter(report.findings["needs_person"])) == 1, "one clear message"


def test_two_payments_of_the_same_amount_are_two_payments(workspace):
    put(workspace, "a.835", remit(trace="1"))
    put(workspace, "b.835", remit(trace="2"))
    report = take(workspace)
    assert stored(workspace, "deposits")["paid_cents"].sum() == 16000 and not report.needs_person


def test_an_unchanged_file_is_not_read_again(workspace):
    put(workspace, "a.csv", export(posting(1, 5)))
    take(workspace)
    report = take(workspace)
    assert [item.status for item in report.files] == ["unchanged"] and report.findings.is_empty()


def test_an_export_is_read_again_when_its_map_changed(workspace):
    put(workspace, "a.csv", export(posting(1, 5)))
    take(workspace)
    (workspace.paths["maps"] / "pm.toml").write_text(MAP.replace('sign.by = "kind"', 'sign.by = "negate"'))
    take(workspace)
    assert stored(workspace, "transactions")["amount_cents"].to_list() == [-10000]


def test_a_new_delivery_replaces_its_month_and_leaves_the_others(workspace):
    put(workspace, "march.csv", export(posting(1, 5), posting(2, 6)))
    put(workspace, "april.csv", export(posting(3, 5, month=4)))
    take(workspace)
    put(workspace, "march.csv", export(posting(1, 5), posting(4, 7, "1.00")))
    take(workspace)
    assert sorted(stored(workspace, "transactions")["transaction_id"]) == ["1", "3", "4"]


def test_a_cut_off_month_replaces_nothing_and_says_so(workspace):
    put(workspace, "march.csv", export(*[posting(number, 5) for number in range(10)]))
    take(workspace)
    whole = export(*[posting(number, 5) for number in range(10)])
    put(workspace, "march.csv", whole[: len(whole) // 2])
    report = take(workspace)
    assert stored(workspace, "transactions").height == 10
    message = report.findings.filter(report.findings["rule"] == "month_would_shrink")["message"].to_list()
    assert len(message) == 1 and "looks cut off" in message[0] and "2026-03" in message[0]
    assert report.unreadable


def test_the_same_key_in_two_months_is_set_aside_with_its_dollars(workspace):
    put(workspace, "march.csv", export(posting(1, 5), posting(2, 6)))
    take(workspace)
    put(workspace, "april.csv", export(posting(2, 6, "55.00", month=4), posting(3, 6, month=4)))
    report = take(workspace)
    assert stored(workspace, "transactions")["amount_cents"].sum() == 30000
    row = report.quarantine.row(0, named=True)
    assert (row["rule"], row["amount_cents"]) == ("stored_in_another_month", 5500)


def test_rows_and_dollars_in_equal_rows_and_dollars_out(workspace):
    put(
        workspace,
        "a.csv",
        export(
            posting(1, 5), posting(2, 6, "a lot"), "3,short", posting(4, 31, "7.00", month=2), posting(1, 8, "9.00")
        ),
    )
    report = take(workspace)
    (entry,) = report.files
    assert entry.rows_in == 5 and entry.rows_in == entry.rows_stored + entry.rows_quarantined
    assert entry.cents_in == entry.cents_stored + report.quarantine["amount_cents"].sum()
    assert workspace.client("acme").quarantine().height == 4


def test_patients_become_pseudonyms_and_names_are_nowhere(workspace):
    rows = "Claim No,Patient ID,Patient Name,Birth,Insurance,DOS,Entered,Billed\n"
    put(
        workspace,
        "claims.csv",
        rows + "1,P-9,JANE DOE,01/02/1950,Medicare,03/01/2026,03/02/2026,100.00\n"
        "2,P-9,JANE DOE,01/02/1950,Medicare,03/01/2026,03/02/2026,bad\n",
    )
    put(workspace, "a.835", remit())
    report = take(workspace)
    patient = stored(workspace, "claims")["patient"][0]
    assert patient.startswith("p") and "P-9" not in patient
    everything = b"".join(path.read_bytes() for path in workspace.paths["store"].rglob("*") if path.is_file())
    frames = [
        frame.write_csv()
        for frame in (
            *[stored(workspace, name) for name in ("claims", "remit_claims", "remit_lines")],
            workspace.client("acme").quarantine(),
            report.findings,
        )
    ]
    for secret in ("JANE", "DOE", "1950", "SECRET1", "P-9"):
        assert secret.encode() not in everything and not any(secret in text for text in frames)


def test_pseudonyms_differ_between_clients(workspace):
    rows = "Claim No,Patient ID,Insurance,DOS,Entered,Billed\n1,P-9,Medicare,03/01/2026,03/02/2026,100.00\n"
    for client in ("acme", "other"):
        put(workspace, "claims.csv", rows, client)
        take(workspace, client)
    assert stored(workspace, "claims")["patient"][0] != stored(workspace, "claims", "other")["patient"][0]


def test_another_clients_remittance_is_refused_before_anything_is_stored(workspace):
    put(workspace, "a.835", remit(npi="1999999984"))
    report = take(workspace)
    assert stored(workspace, "deposits").is_empty()
    assert "belong to other" in report.findings["message"][0] and report.unreadable


def test_a_file_without_a_client_folder_goes_to_its_npi(workspace):
    (workspace.paths["raw"] / "loose.835").write_bytes(remit(npi="1999999984"))
    put(workspace, "a.835", remit())
    assert sorted(find_files(workspace)) == ["acme", "other"]


def test_an_export_without_a_client_folder_is_refused(workspace):
    (workspace.paths["raw"] / "loose.csv").write_text(export(posting(1, 5)))
    with pytest.raises(SourceError, match="no client can be told"):
        find_files(workspace)


def test_an_unknown_payer_is_stored_under_its_own_name_and_found(workspace):
    put(workspace, "a.835", remit().replace(b"MEDICARE*XV*00512", b"Nowhere Health*XV*999"))
    report = take(workspace)
    assert stored(workspace, "deposits")["payer"][0] == "unmapped:nowhere health"
    assert "unmapped_payer" in rules(report)


def test_a_payer_added_to_the_registry_is_found_in_what_is_stored(workspace):
    put(workspace, "a.835", remit().replace(b"MEDICARE*XV*00512", b"Nowhere Health*XV*999"))
    assert take(workspace).needs_person
    path = workspace.paths["clients"]
    path.write_text(path.read_text() + '\n[payers.nowhere]\nname = "Nowhere Health"\n')
    workspace = open_workspace(workspace.folder)
    report = take(workspace)
    assert (
        stored(workspace, "deposits")["payer"].to_list()
        == stored(workspace, "remit_claims")["payer"].to_list()
        == ["nowhere"]
    )
    assert not report.needs_person and workspace.client("acme").findings().is_empty()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        pytest.param("empty.835", b"", "is empty", id="an empty file"),
        pytest.param(
            "picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "picture.png", id="not an export and not X12"
        ),
        pytest.param("wrong.csv", "a,b,c\n1,2,3\n", "wrong.csv", id="an export that no map fits"),
        pytest.param("short.csv", "Txn,Claim,Type\n1,2,charge\n", "short.csv", id="an export with columns missing"),
    ],
)
def test_what_cannot_be_read_gets_one_message_and_stops_nothing(workspace, name, content, says):
    put(workspace, name, content)
    put(workspace, "good.835", remit())
    report = take(workspace)
    refused = report.findings.filter(report.findings["rule"] == "refused")
    assert refused.height == 1 and says in refused["message"][0]
    assert stored(workspace, "deposits").height == 1 and not report.unreadable


def test_a_damaged_remittance_gives_what_can_be_read_and_its_findings(workspace):
    put(workspace, "cut.835", remit()[:-60])
    report = take(workspace)
    assert stored(workspace, "remit_claims")["paid_cents"].to_list() == [8000] and report.needs_person


def test_a_client_whose_map_is_missing_says_which(workspace):
    put(workspace, "a.csv", export(posting(1, 5)))
    (workspace.paths["maps"] / "pm.toml").unlink()
    with pytest.raises(SourceError, match=r"no pm\.toml"):
        take(workspace)


@pytest.mark.parametrize("step", range(1, 6))
def test_a_crash_in_the_middle_leaves_the_old_store_whole(workspace, monkeypatch, step):
    put(workspace, "a.835", remit(trace="1"))
    put(workspace, "march.csv", export(posting(1, 5)))
    take(workspace)
    before = workspace.client("acme").fingerprints()
    put(workspace, "b.835", remit(trace="2"))
    put(workspace, "march.csv", export(posting(1, 5), posting(2, 6)))
    calls, real = iter(range(1, 100)), os.replace

    def dies(source, target):
        if next(calls) == step:
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(store_module.os, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        take(workspace)
    monkeypatch.undo()
    assert workspace.client("acme").fingerprints() == before
    assert stored(workspace, "deposits").height == 1
    take(workspace)
    assert stored(workspace, "deposits").height == 2 and stored(workspace, "transactions").height == 2


def test_a_store_that_cannot_be_written_is_one_message(workspace):
    put(workspace, "a.835", remit())
    workspace.paths["store"].write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        take(workspace)


def test_a_second_intake_gives_the_same_fingerprints(workspace):
    put(workspace, "a.835", remit())
    put(workspace, "march.csv", export(posting(1, 5), posting(2, 6)))
    take(workspace)
    before = workspace.client("acme").fingerprints()
    workspace.store.delete("acme")
    take(workspace)
    assert workspace.client("acme").fingerprints() == before


def test_a_reversal_gets_the_order_of_the_claim_it_reverses(workspace):
    put(workspace, "a.835", remit(trace="1").replace(b"CLP*00017*1*", b"CLP*00017*2*"))
    take(workspace)
    back = remit(trace="2", paid="-80.00", day="20260320").replace(b"CLP*00017*1*100.00", b"CLP*00017*22*-100.00")
    put(
        workspace,
        "b.835",
        back.replace(b"SVC*HC:99213*100.00", b"SVC*HC:99213*-100.00").replace(b"CAS*CO*45*180.00", b"CAS*CO*45*-20.00"),
    )
    take(workspace)
    assert stored(workspace, "remit_claims").sort("received_on")["payer_order"].to_list() == ["secondary", "secondary"]


def test_the_sums_of_a_taken_in_client_hold(workspace):
    put(workspace, "march.csv", export(posting(1, 5), posting(2, 6, "20.00", "contractual")))
    take(workspace)
    checks = check_client(workspace.client("acme").tables(), client="acme", period=Period.month("2026-03"))
    assert checks and all(item.holds for item in checks if item.name == "roll-forward")


def payee(words: str) -> bytes:
    """A remittance of 80.00 whose payee is named so, without an NPI."""
    return remit().replace(b"N1*PE*ACME*XX*1234567893", words.encode())


def test_a_remittance_for_a_tax_id_that_the_client_lacks_is_refused(workspace):
    text = workspace.paths["clients"].read_text().replace('npis = ["1234567893"]', 'tax_ids = ["11-2233445"]')
    workspace.paths["clients"].write_text(text)
    put(workspace, "ours.835", payee("N1*PE*ACME*FI*112233445"))
    put(workspace, "theirs.835", payee("N1*PE*ACME~REF*TJ*998877665").replace(b"*80*", b"*80.00*"))
    report = take(open_workspace(workspace.folder))
    assert stored(workspace, "deposits").height == 1
    (message,) = report.findings.filter(report.findings["rule"] == "refused")["message"]
    assert "theirs.835" in message and "tax id ending 7665" in message and "998877665" not in message


def test_an_unknown_payee_is_stored_and_told_until_the_registry_knows_it(workspace):
    put(workspace, "a.835", payee("N1*PE*OTHER CLINIC*FI*998877665"))
    report = take(workspace)
    row = report.findings.row(0, named=True)
    assert (row["rule"], row["amount_cents"]) == ("unknown_payee", 8000)
    assert "payee OTHER CLINIC, tax id ending 7665" in row["message"]
    assert stored(workspace, "deposits")["payee_tax_id_end"].to_list() == ["7665"]
    text = workspace.paths["clients"].read_text()
    workspace.paths["clients"].write_text(text.replace('name = "Acme"', 'name = "Acme"\naliases = ["Other Clinic"]'))
    take(open_workspace(workspace.folder))
    assert open_workspace(workspace.folder).client("acme").findings().is_empty()
