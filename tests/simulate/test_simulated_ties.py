"""The sums that must hold in the raw files, each seen by a query that shares no code with the simulation."""

from __future__ import annotations

import csv
import datetime as dt
import tomllib
from collections import Counter, defaultdict
from decimal import Decimal

import oxedi


def day(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y%m%d").date()


def in_transit(client) -> tuple[set[str], set[str]]:
    """Traces and claims of the remittances of the last three days: some of them are posted after the last day."""
    last = max(row["posted"] for row in client.transactions) - dt.timedelta(days=3)
    late = [remit for remit in client.remits if day(remit.created) > last]
    return {remit.trace for remit in late}, {claim.id for remit in late for claim in remit.claims}


def test_every_835_balances_at_line_claim_and_transaction_level(client):
    for remit in client.remits:
        for claim in remit.claims:
            for line in claim.lines:
                assert line.charge - sum(cas[2] for cas in line.cas) == line.paid
            assert claim.charge == sum(line.charge for line in claim.lines)
            assert claim.paid == sum(line.paid for line in claim.lines)
            assert claim.owed == sum(cas[2] for line in claim.lines for cas in line.cas if cas[0] == "PR")
        assert remit.paid == sum(claim.paid for claim in remit.claims) - sum(pair[2] for pair in remit.plb)


def test_oxedi_counts_the_same_claims_and_the_same_money(client):
    payments, claims = 0, 0
    for path in sorted({remit.path for remit in client.remits}):
        read = oxedi.parse_file(str(path))
        claims += read.count_claims()
        payments += round(float(read.sum_payments()) * 100)
    assert claims == sum(len(remit.claims) for remit in client.remits)
    assert payments in (
        round(sum(remit.paid for remit in client.remits) * 100),
        round(sum(claim.paid for remit in client.remits for claim in remit.claims) * 100),
    )


def test_what_was_posted_under_a_trace_is_what_the_remittance_paid_its_claims(client, summed):
    late, _ = in_transit(client)
    posted = summed(
        (row["trace"], -row["amount"]) for row in client.transactions if row["trace"] and row["trace"] not in late
    )
    assert {row["kind"] for row in client.transactions if row["trace"]} == {"payment", "takeback"}
    arrived = [remit for remit in client.remits if remit.trace not in late]
    remitted = summed((remit.trace, claim.paid) for remit in arrived for claim in remit.claims)
    deposited = summed((remit.trace, remit.paid + sum(pair[2] for pair in remit.plb)) for remit in arrived)
    assert posted == remitted == deposited
    assert len(arrived) > 0.9 * len(client.remits)
    assert len({remit.trace for remit in client.remits}) == len(client.remits)


def test_postings_follow_their_remittance_within_three_days(client):
    created = {remit.trace: day(remit.created) for remit in client.remits}
    moved = {(row["trace"], row["posted"]) for row in client.transactions if is_taken_off(row)}
    waits = {
        (row["posted"] - created[row["trace"]]).days
        for row in client.transactions
        if row["trace"] and (row["trace"], row["posted"]) not in moved
    }
    assert waits <= {0, 1, 2, 3} and len(waits) == 4
    assert all(0 <= (day(remit.paid_on) - day(remit.created)).days <= 1 for remit in client.remits)


def is_taken_off(row) -> bool:
    """A payment that is taken off the claim to which it was posted by mistake."""
    return row["kind"] == "payment" and row["amount"] > 0


def test_some_files_are_fetched_weeks_later_and_say_so_in_their_envelope(company):
    waits = {
        remit.path: (day(remit.group_day) - day(remit.created)).days
        for client in company.clients.values()
        for remit in sorted(client.remits, key=lambda remit: remit.created)
    }
    late = [wait for wait in waits.values() if wait]
    assert 0 < len(late) < 0.06 * len(waits)
    assert all(20 <= wait <= 75 for wait in late)


def test_a_misposted_payment_stands_on_another_claim_of_its_payer_until_it_is_moved(company, summed):
    moves = 0
    for client in company.clients.values():
        rows = [row for row in client.transactions if row["kind"] == "payment" and row["trace"]]
        remitted = summed(
            ((remit.trace, claim.id), claim.paid)
            for remit in client.remits
            for claim in remit.claims
            if claim.status != "22"
        )
        for off in filter(is_taken_off, rows):
            place = (off["trace"], off["claim"])
            on = [row for row in rows if (row["trace"], row["claim"], row["amount"]) == (*place, -off["amount"])]
            back = [
                row
                for row in rows
                if (row["trace"], row["posted"], row["amount"]) == (off["trace"], off["posted"], -off["amount"])
            ]
            assert any(2 < (off["posted"] - row["posted"]).days < 32 and row["payer"] == off["payer"] for row in on)
            assert any(row["claim"] != off["claim"] and (row["trace"], row["claim"]) in remitted for row in back)
            moves += 1
    assert moves > 5


def test_an_answer_in_two_parts_answers_every_line_once_and_says_that_it_is_split(company):
    found = Counter()
    for client in company.clients.values():
        parts = defaultdict(list)
        for remit in client.remits:
            for claim in remit.claims:
                if claim.icn[-1] in "AB":
                    parts[claim.id].append((remit.created, claim))
        text = "".join(path.read_text("ascii") for path in {remit.path for remit in client.remits})
        assert text.count("MOA***MA15~") == sum(map(len, parts.values()))
        charge = {row["claim"]: row["charge"] for row in client.claims}
        for name, answers in parts.items():
            if len(answers) == 2:
                numbers = [line.number for _, claim in answers for line in claim.lines]
                assert sorted(numbers) == list(range(1, len(numbers) + 1))
                assert sum(claim.charge for _, claim in answers) == charge[name]
                found[(day(answers[1][0]) - day(answers[0][0])).days] += 1
    assert set(found) == {0, 7} and found[0] > found[7]


def test_a_claim_with_a_wrong_charge_is_replaced_and_its_ledger_put_right_on_that_day(client):
    charge = {row["claim"]: row["charge"] for row in client.claims}
    first = {sent.id: sent for sent in reversed(client.sent) if sent.frequency == "1" and sent.order == "P"}
    wrong = {name: sent for name, sent in first.items() if sent.charge != charge[name]}
    assert len(wrong) == client.truth["replaced"]
    for name, sent in wrong.items():
        later = [one for one in client.sent if one.id == name and one.frequency == "7"]
        assert later and all(one.charge == charge[name] == sum(one.lines) for one in later)
        replaced = min(day(one.day) for one in later)
        entries = [row for row in client.transactions if row["claim"] == name and row["kind"] == "charge"]
        assert sum(row["amount"] for row in entries if row["posted"] < replaced) == sent.charge
        assert sum(row["amount"] for row in entries) == charge[name]


def test_a_voided_claim_is_charged_back_on_its_day_and_never_answered(company, summed):
    voids = 0
    for client in company.clients.values():
        answered = {claim.id for remit in client.remits for claim in remit.claims}
        for sent in client.sent:
            if sent.frequency == "8":
                entries = [row for row in client.transactions if row["claim"] == sent.id and row["kind"] == "charge"]
                assert sum(row["amount"] for row in entries) == 0 and sent.id not in answered
                assert {row["posted"] for row in entries if row["amount"] < 0} == {day(sent.day)}
                voids += 1
    assert voids == sum(client.truth["voided"] for client in company.clients.values()) > 1


def test_some_originals_are_sent_again_unchanged(company):
    for client in company.clients.values():
        originals = defaultdict(list)
        for sent in client.sent:
            if sent.frequency == "1":
                originals[sent.id, sent.order].append(sent)
        again = [copies for copies in originals.values() if len(copies) > 1]
        assert 0.02 < len(again) / len(originals) < 0.09
        assert all(len({(copy.charge, *copy.lines) for copy in copies}) == 1 for copies in again)


def test_charges_agree_between_ledger_claims_lines_and_837(client, summed):
    ledger = summed((row["claim"], row["amount"]) for row in client.transactions if row["kind"] == "charge")
    claims = summed((row["claim"], row["charge"]) for row in client.claims)
    lines = summed((row["claim"], row["charge"]) for row in client.charge_detail)
    voided = {sent.id for sent in client.sent if sent.frequency == "8"}
    assert ledger == {name: charge for name, charge in claims.items() if name not in voided}
    assert claims == lines
    assert len(client.claims) == len(claims) == client.truth["claims"]
    assert {sent.id: sent.charge for sent in sorted(client.sent, key=lambda sent: sent.day)} == {
        name: claims[name] for name in {sent.id for sent in client.sent}
    }
    assert all(sent.charge == sum(sent.lines) for sent in client.sent)


def test_opening_and_movements_give_the_closing_receivable_of_every_month(client, summed):
    moved = summed(((f"{row['posted']:%Y-%m}", row["kind"]), row["amount"]) for row in client.transactions)
    opening = 0
    for month in client.month_end:
        of = {
            kind: moved.get((month["month"], kind), 0)
            for kind in ("charge", "payment", "contractual", "write_off", "refund", "takeback", "transfer")
        }
        assert of["charge"] == month["charges"] and -of["payment"] == month["payments"] and of["transfer"] == 0
        assert (
            -of["contractual"] - of["write_off"] == month["adjustments"]
            and of["refund"] + of["takeback"] == month["refunds"]
        )
        assert (
            opening + month["charges"] - month["payments"] - month["adjustments"] + month["refunds"] == month["closing"]
        )
        opening = month["closing"]
    assert opening == sum(row["amount"] for row in client.transactions)
    assert len(client.month_end) == 18


def test_contractual_adjustments_are_those_of_the_835(client, summed):
    _, late = in_transit(client)
    posted = summed(
        ((row["claim"], row["line"], row["carc"]), -row["amount"])
        for row in client.transactions
        if row["kind"] == "contractual" and row["claim"] not in late
    )
    remitted = summed(
        ((claim.id, line.number, carc), value)
        for remit in client.remits
        for claim in remit.claims
        if claim.id not in late
        for line in claim.lines
        for group, carc, value in line.cas
        if group == "CO" and carc in ("45", "253")
    )
    assert posted == remitted


def test_patient_responsibility_of_the_835_is_what_transfers_moved_on(client, summed):
    _, late = in_transit(client)
    moved = [
        row for row in client.transactions if row["kind"] == "transfer" and row["carc"] and row["claim"] not in late
    ]
    off = summed((row["claim"], -row["amount"]) for row in moved if row["party"] == "primary")
    owed = summed(
        (claim.id, claim.owed)
        for remit in client.remits
        for claim in remit.claims
        if claim.status != "2" and not claim.icn.endswith("1") and claim.id not in late
    )
    assert off == owed
    assert not summed(((row["claim"], row["posted"], row["carc"]), row["amount"]) for row in moved)


def test_unapplied_money_moves_to_its_claim_without_changing_the_receivable(client):
    applied = [row for row in client.transactions if row["kind"] == "transfer" and not row["carc"]]
    assert sum(row["amount"] for row in applied) == 0
    unapplied = [row for row in client.transactions if not row["claim"]]
    assert sum(row["amount"] for row in unapplied) <= 0
    assert {row["party"] for row in applied + unapplied} <= {"patient"}


def test_no_payment_is_negative_and_what_is_carried_forward_comes_back(client):
    assert all(remit.paid >= 0 and (remit.method == "NON") == (remit.paid == 0) for remit in client.remits)
    carried = Counter()
    for remit in client.remits:
        before = carried[remit.payer]
        for reason, _, value in remit.plb:
            if reason == "FB":
                assert value < 0 or value == -before
                carried[remit.payer] += value
        assert carried[remit.payer] <= 0


def test_a_withheld_takeback_is_recovered_under_the_same_claim(client, summed):
    pairs = defaultdict(list)
    for remit in client.remits:
        for reason, reference, value in remit.plb:
            if reason == "WO":
                pairs[remit.payer, reference].append(value)
    assert all(len(values) == 2 and values[0] < 0 and sum(values) == 0 for values in pairs.values())


def test_every_reversal_negates_the_latest_decision_on_its_claim(client):
    latest, reversals = {}, 0
    for remit in client.remits:
        for claim in remit.claims:
            detail = [(line.number, line.charge, line.paid, line.cas) for line in claim.lines]
            if claim.status == "22":
                reversals += 1
                turned = [
                    (number, -charge, -paid, [(group, carc, -value) for group, carc, value in cas])
                    for number, charge, paid, cas in detail
                ]
                assert latest.pop((claim.id, claim.icn)) == turned
            else:
                latest[claim.id, claim.icn] = detail
    assert reversals > 10


def test_first_decisions_pay_the_contract_or_the_charge_if_that_is_less(client):
    schedule = defaultdict(list)
    for name, *rest in fee_rows(client):
        schedule[name].append(rest)
    seen, checked = set(), 0
    service = {row["claim"]: row["service"] for row in client.claims}
    payers = {remit.payer: remit.trace[:2] for remit in client.remits}
    assert len(payers) >= 7
    for remit in client.remits:
        for claim in remit.claims:
            if claim.id in seen or claim.status not in ("1", "19"):
                continue
            seen.add(claim.id)
            for line in claim.lines:
                if {carc for _, carc, _ in line.cas} - {"45", "253", "1", "2", "3"}:
                    continue
                allowed = line.paid + sum(value for _, carc, value in line.cas if carc != "45")
                procedure = line.procedure.split(":")[1:]
                fees = [
                    fee
                    for start, end, fee in schedule[(remit.payer, procedure[0], "".join(procedure[1:]))]
                    if start <= service[claim.id] and (end is None or service[claim.id] <= end)
                ]
                assert len(fees) == 1 and allowed == min(line.charge, fees[0] * line.units)
                checked += 1
    assert checked > 300


def fee_rows(client):
    """Payer, code and modifiers; first and last day in force; fee of one unit."""
    registry = {alias: payer["name"].upper() for payer in client_payers(client).values() for alias in payer["aliases"]}
    with (client.root / "raw" / client.id / "exports" / "fee_schedules.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            payer, code, modifier, start, end, fee = list(row.values())[:6]
            yield (
                (registry[payer], code, modifier),
                either_date(start),
                either_date(end),
                Decimal(fee.replace("$", "").replace(",", "")),
            )


def client_payers(client):
    return tomllib.loads((client.root / "clients.toml").read_text())["payers"]


def either_date(text):
    return dt.datetime.strptime(text, "%m/%d/%Y" if "/" in text else "%Y-%m-%d").date() if text else None
