"""837 and 835 files: one pass over the rows, one string per claim."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from ..adjudication import DenialCodes
from ..corrections import envelope_days, unit_charge
from ..fees import MODIFIER_PAYS
from ..practice_book import FIRST, LAST, ChargeBook
from .remits import Remits

CLEARINGHOUSE = "CLRHOUSE01"
DIAGNOSES = ("E119", "I10", "M545", "J069", "Z0000", "M1711", "H524", "R109", "N390", "L600")
SEX = ("F", "M")


def money(cents: int) -> str:
    """Cents as X12 writes dollars.

    >>> money(-1250), money(300), money(5)
    ('-12.5', '3', '0.05')
    """
    whole, part = divmod(abs(cents), 100)
    sign = "-" if cents < 0 else ""
    return f"{sign}{whole}" if not part else f"{sign}{whole}.{part:02d}".rstrip("0")


class Words:
    """What both writers say about a client's claims, payers and patients, ready to be put together."""

    def __init__(self, book: ChargeBook) -> None:
        patients, claims = book.patients, book.claims
        self.book = book
        self.claim_id = claim_ids(book)
        self.day = [f"{day:%Y%m%d}" for day in _days(book.calendar.first, book.calendar.last + 8)]
        self.first_day = book.calendar.first
        self.patient = claims["patient"].tolist()
        self.name = [
            f"{LAST[last].upper()}*{FIRST[first].upper()}"
            for last, first in zip(patients["last"].tolist(), patients["first"].tolist(), strict=True)
        ]
        self.birth = [day.replace("-", "") for day in patients["birth"].astype("datetime64[D]").astype(str).tolist()]
        self.member = [f"M{number}" for number in patients["member"].tolist()]
        self.service = claims["service"].tolist()
        self.charge = claims["charge"].tolist()
        self.payers = book.company.payers
        self.denials = DenialCodes.of(book)
        names = list(MODIFIER_PAYS)
        self.procedure = [
            f"HC:{book.fees.procedures[code]}{':' + names[modifier] if modifier else ''}"
            for code, modifier in zip(book.lines["code"].tolist(), book.lines["modifier"].tolist(), strict=True)
        ]
        self.units = book.lines["units"].tolist()
        self.number = book.lines["number"].tolist()
        self.place = book.lines["place"].tolist()
        self.line_charge = book.lines["charge"].tolist()

    def date(self, day: int) -> str:
        return self.day[day - self.first_day]


def claim_ids(book: ChargeBook) -> list[str]:
    """Patient control numbers: client number and a running number, zeros kept."""
    return [f"{book.client.number:03d}{number:06d}" for number in range(1, book.size + 1)]


def _days(first: int, last: int) -> Iterable[dt.date]:
    return (dt.date.fromordinal(day + 719163) for day in range(first, last + 1))


def _envelope(sender: str, receiver: str, day: str, number: int, groups: list[str]) -> str:
    head = f"ISA*00*{'':10}*00*{'':10}*ZZ*{sender:15}*ZZ*{receiver:15}*{day[2:]}*0700*^*00501*{number:09d}*0*P*:~\n"
    return f"{head}{''.join(groups)}IEA*{len(groups)}*{number:09d}~\n"


def _transaction(kind: str, version: str, number: int, segments: list[str]) -> str:
    body = "".join(segments)
    return f"ST*{kind}*{number:04d}{version}~\n{body}SE*{body.count('~') + 2}*{number:04d}~\n"


# -- 835 -------------------------------------------------------------------------------------------


def write_835(folder: Path, book: ChargeBook, words: Words, remits: Remits) -> None:
    """One file a week from the clearing house, or one a week and payer where the client is large."""
    by_payer = book.client.registry["providers"] >= 10
    claims, lines = _remit_claims(words, remits), remits.adjustments
    plb = {remit: list(rows) for remit, rows in groupby(lines.sort("remit").iter_rows(), key=lambda row: row[0])}
    payments = remits.payments.with_columns(week=(pl.col("day") + 3) // 7)
    keys, envelopes = ["week", "payer"] if by_payer else ["week"], envelope_days(book)
    folder.mkdir(parents=True, exist_ok=True)
    for number, (key, rows) in enumerate(payments.sort(*keys, "day", "payer").group_by(keys, maintain_order=True), 1):
        groups, last = [], int(rows["day"].max())  # type: ignore[arg-type]
        fetched = int(envelopes[last - book.calendar.first, key[1] if by_payer else 0])
        for group, (_, same_day) in enumerate(rows.group_by("day", maintain_order=True), 1):
            day = words.date(same_day["day"][0] if fetched == last else fetched)
            sets = [
                _transaction(
                    "835", "", place, _payment(words, remit, claims[remit["remit"]], plb.get(remit["remit"], []))
                )
                for place, remit in enumerate(same_day.iter_rows(named=True), 1)
            ]
            groups.append(
                f"GS*HP*{CLEARINGHOUSE}*{book.client.npi}*{day}*0700*{group}*X*005010X221A1~\n{''.join(sets)}GE*{len(sets)}*{group}~\n"
            )
        last_day, made = words.date(last), words.date(fetched)
        name = f"ERA_{last_day}_{words.payers[key[1]].identifiers[1]}.835" if by_payer else f"remit_{last_day}.txt"
        sender = words.payers[key[1]].identifiers[0] if by_payer else CLEARINGHOUSE
        (folder / name).write_text(_envelope(sender, book.client.npi, made, number, groups), "ascii", newline="\n")
        for plant in book.plant_log.of("duplicated_remit"):
            first_day: int = rows["day"].min()  # type: ignore[assignment]
            if first_day >= plant.start and not book.plant_log.files[plant.id]:
                again = _envelope(sender, book.client.npi, made, 50_000 + number, groups)
                (folder / f"resent_{name}").write_text(again, "ascii", newline="\n")
                book.plant_log.files[plant.id].append(f"{folder.name}/resent_{name}")
                held = remits.decisions.filter(pl.col("remit").is_in(rows["remit"].implode()))
                book.plant_log.note(plant, *(held[column].to_numpy() for column in ("claim", "day", "paid")))


def _payment(words: Words, remit: dict, claims: list[str], adjustments: list[tuple]) -> list[str]:
    payer, paid = words.payers[remit["payer"]], remit["paid"]
    method = "NON" if paid == 0 else "CHK" if remit["is_check"] else "ACH"
    client = words.book.client
    account = "CCP*01*071000013*DA*4471002*1512345678**01*071000288*DA*8830017" if method == "ACH" else "*" * 10
    segments = [
        f"BPR*{'H' if method == 'NON' else 'I'}*{money(paid)}*C*{method}*{account}*{words.date(remit['paid_day'])}~\n",
        f"TRN*1*{remit['trace']}*1{payer.identifiers[0]:0>9}~\n",
        f"DTM*405*{words.date(remit['day'])}~\n",
        (
            f"N1*PR*{payer.name.upper()}*XV*{payer.identifiers[0]}~\nN3*PO BOX "
            "1200~\nN4*SPRINGFIELD*IL*62701~\nPER*BL*PROVIDER SERVICES*TE*8005550100~\n"
        ),
        (
            f"N1*PE*{client.registry['name'].upper().replace('’', '')}*XX*{client.npi}~"
            f"\nREF*TJ*36{client.number:07d}~\nLX*1~\n"
        ),
        *claims,
    ]
    if adjustments:
        year_end = f"{words.date(remit['day'])[:4]}1231"
        pairs = "".join(
            f"*{reason}:{words.claim_id[claim] if claim >= 0 else 'FWD' + remit['trace']}*{money(amount)}"
            for _, reason, claim, amount in adjustments
        )
        segments.append(f"PLB*{client.npi}*{year_end}{pairs}~\n")
    return segments


def _remit_claims(words: Words, remits: Remits) -> dict[int, list[str]]:
    """The CLP loops of every remittance, in order."""
    lines: dict[int, list[str]] = {}
    owed: dict[int, int] = {}
    charge: dict[int, int] = {}
    for decision, line, *amounts, code in remits.lines.sort("decision", "line").iter_rows():
        lines.setdefault(decision, []).append(_service(words, line, amounts, code))
        group = words.denials.group[code] if code >= 0 else ""
        owed[decision] = (
            owed.get(decision, 0) + amounts[4] + amounts[5] + amounts[6] + (amounts[8] if group == "PR" else 0)
        )
        charge[decision] = charge.get(decision, 0) + amounts[0]
    result: dict[int, list[str]] = {}
    wanted = remits.decisions.select("remit", "decision", "claim", "payer", "status", "paid", "kind", "order", "part")
    for remit, decision, claim, payer, status, paid, kind, order, part in wanted.iter_rows():
        entry, patient = words.payers[payer], words.patient[claim]
        icn = f"{entry.identifiers[1]}{words.claim_id[claim]}{order}{part}"
        remark = "MOA***MA15~\n" if part else ""
        reference = f"REF*F8*{icn}~\n" if kind in ("rework", "takeback") and status != "22" else ""
        filing = "MB" if entry.id == "medicare" else "MC" if entry.id in ("medicaid", "harbor") else "12"
        result.setdefault(remit, []).append(
            f"CLP*{words.claim_id[claim]}*{status}*{money(charge[decision])}*{money(paid)}*{money(owed[decision])}*{filing}*{icn}*11*1~\n"
            f"NM1*QC*1*{words.name[patient]}****MI*{words.member[patient]}~\n{_crossover(words, claim, status)}"
            f"{remark}{reference}"
            f"DTM*232*{words.date(words.service[claim])}~\n{''.join(lines[decision])}"
        )
    return result


def _crossover(words: Words, claim: int, status: str) -> str:
    """The payer to which the claim was forwarded."""
    if status != "19":
        return ""
    entry = words.payers[words.book.claims["secondary"][claim]]
    return f"NM1*TT*2*{entry.name.upper()}*****PI*{entry.identifiers[0]}~\n"


def _service(words: Words, line: int, amounts: list[int], code: int) -> str:
    charge, paid, contractual, sequestration, deductible, coinsurance, copay, prior, denied = amounts
    adjustments: dict[str, list[str]] = {}
    denials = words.denials
    listed = [
        ("CO", "45", contractual),
        ("CO", "253", sequestration),
        ("PR", "1", deductible),
        ("PR", "2", coinsurance),
        ("PR", "3", copay),
        ("OA", "23", prior),
    ]
    if code >= 0:
        listed.append((denials.group[code], denials.carc[code], denied))
    for group, carc, amount in listed:
        if amount:
            adjustments.setdefault(group, []).append(f"*{carc}*{money(amount)}")
    allowed = charge - contractual - denied - prior
    day = words.date(words.service[words.book.lines["claim"][line]])
    return (
        f"SVC*{words.procedure[line]}*{money(charge)}*{money(paid)}**{words.units[line]}~\nDTM*472*{day}~\n"
        + "".join(f"CAS*{group}{'*'.join(items)}~\n" for group, items in adjustments.items())
        + f"REF*6R*{words.number[line]}~\n"
        + (f"AMT*B6*{money(allowed)}~\n" if allowed > 0 else "")
        + (f"LQ*HE*{denials.rarc[code]}~\n" if code >= 0 and denials.rarc[code] and denied else "")
    )


# -- 837 -------------------------------------------------------------------------------------------


def write_837(folder: Path, book: ChargeBook, words: Words, submissions: pl.DataFrame) -> None:
    """One file a week and claim type, one transaction a day."""
    folder.mkdir(parents=True, exist_ok=True)
    institutional = book.claims["institutional"]
    frame = submissions.with_columns(
        pl.Series("institutional", institutional[submissions["claim"].to_numpy()]), week=(pl.col("day") + 3) // 7
    ).sort("institutional", "week", "day", "payer", "claim", "frequency")
    for number, (key, rows) in enumerate(frame.group_by("institutional", "week", maintain_order=True), 1):
        version = "005010X223A2" if key[0] else "005010X222A1"
        groups = []
        for group, (_, same_day) in enumerate(rows.group_by("day", maintain_order=True), 1):
            day = words.date(same_day["day"][0])
            text = _transaction("837", f"*{version}", 1, _batch(words, same_day, day, bool(key[0])))
            groups.append(
                f"GS*HC*{book.client.npi}*{CLEARINGHOUSE}*{day}*1800*{group}*X*{version}~\n{text}GE*1*{group}~\n"
            )
        last_day = words.date(int(rows["day"].max()))  # type: ignore[arg-type]
        name = f"{'inst' if key[0] else 'prof'}_{last_day}.837"
        (folder / name).write_text(
            _envelope(book.client.npi, CLEARINGHOUSE, last_day, number, groups), "ascii", newline="\n"
        )


def _batch(words: Words, rows: pl.DataFrame, day: str, institutional: bool) -> list[str]:
    client = words.book.client
    name = client.registry["name"].upper().replace("’", "")
    segments = [
        f"BHT*0019*00*{client.number:03d}{day}*{day}*1800*CH~\nNM1*41*2*LANTERN "
        f"BILLING*****46*{client.npi}~\nPER*IC*EDI DESK*TE*3125550142~\n"
        f"NM1*40*2*CLEARING HOUSE*****46*{CLEARINGHOUSE}~\nHL*1**20*1~\nNM1*85*2*{name}*****XX*{client.npi}~\n"
        f"N3*100 MAIN ST~\nN4*SPRINGFIELD*IL*627010001~\nREF*EI*36{client.number:07d}~\n"
    ]
    level = 1
    wanted = rows.select("claim", "payer", "order", "frequency", "wrong_units")
    for claim, payer, order, frequency, wrong_units in wanted.iter_rows():
        level += 1
        entry, patient = words.payers[payer], words.patient[claim]
        letter = "P" if order == "primary" else "S"
        filing = {"medicare": "MB", "medicaid": "MC", "managed_care": "HM", "workers_compensation": "WC"}.get(
            entry.payer_class, "CI"
        )
        other = _other_subscriber(words, claim, order)
        segments.append(
            f"HL*{level}*1*22*0~\nSBR*{letter}*18*******{filing}~\nNM1*IL*1*{words.name[patient]}****MI*{words.member[patient]}~\n"
            f"N3*22 ELM ST~\nN4*SPRINGFIELD*IL*62701~\nDMG*D8*{words.birth[patient]}*{SEX[patient % 2]}~\n"
            f"NM1*PR*2*{entry.name.upper()}*****PI*{entry.identifiers[1]}~"
            f"\n{_claim(words, claim, (frequency, wrong_units), other, institutional)}"
        )
    return segments


def _other_subscriber(words: Words, claim: int, order: str) -> str:
    """The other payer's loop of a claim that has two."""
    claims = words.book.claims
    number = claims["secondary"][claim] if order == "primary" else claims["payer"][claim]
    if number < 0:
        return ""
    entry, patient = words.payers[number], words.patient[claim]
    return (
        f"SBR*{'S' if order == 'primary' else 'P'}*18*******CI~\nOI***Y***Y~\nNM1*IL*1*{words.name[patient]}"
        f"****MI*{words.member[patient]}~\n"
        f"NM1*PR*2*{entry.name.upper()}*****PI*{entry.identifiers[1]}~\n"
    )


def _claim(words: Words, claim: int, sent: tuple[str, int], other: str, institutional: bool) -> str:
    """The claim's own loops: its head, the doctor, the other payer, its lines. The two types differ in four
    segments.

    `sent` is its frequency, and the units that its first line has too many.
    """
    book, (frequency, wrong_units) = words.book, sent
    extra = wrong_units * int(unit_charge(book, np.array([claim]))[0]) if wrong_units else 0
    start, count = int(book.first_line[claim]), int(book.line_count[claim])
    last, first, provider_npi = book.providers[book.claims["provider"][claim]]
    day = words.date(words.service[claim])
    replaced = (
        f"REF*F8*{words.payers[book.claims['payer'][claim]].identifiers[1]}{words.claim_id[claim]}0~\n"
        if frequency in "78"
        else ""
    )
    place, dates = (
        (f"13:A:{frequency}**A*Y*Y", f"DTP*434*RD8*{day}-{day}~\nCL1*1*1*01~\n")
        if institutional
        else (f"{words.place[start]}:B:{frequency}*Y*A*Y*Y", "")
    )
    doctor = "71" if institutional else "82"
    lines = "".join(
        (
            f"LX*{words.number[line]}~\n"
            f"{_line(words, line, institutional, (wrong_units, extra) if line == start else (0, 0))}"
            f"DTP*472*D8*{day}~\nREF*6R*{words.number[line]}~\n"
        )
        for line in range(start, start + count)
    )
    return (
        f"CLM*{words.claim_id[claim]}*{money(words.charge[claim] + extra)}***{place}~\n{dates}{replaced}"
        f"HI*ABK:{DIAGNOSES[claim % len(DIAGNOSES)]}~\nNM1*{doctor}*1*{last.upper()}*{first.upper()}"
        f"****XX*{provider_npi}~\n{other}{lines}"
    )


def _line(words: Words, line: int, institutional: bool, wrong: tuple[int, int]) -> str:
    units, charge = words.units[line] + wrong[0], words.line_charge[line] + wrong[1]
    service = f"{words.procedure[line]}*{money(charge)}*UN*{units}"
    return f"SV2*0450*{service}~\n" if institutional else f"SV1*{service}***1~\n"
