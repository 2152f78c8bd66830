"""Resources of a FHIR file, and what their elements say: references, codes, days, money (R4, and CMS's STU3)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Resource = Mapping[str, Any]
KINDS = {
    "submitted": ("submitted", "submittedamount", "line_sbmtd_chrg_amt", "rev_cntr_tot_chrg_amt", "clm_tot_chrg_amt"),
    "allowed": ("eligible", "allowed", "allowedamount", "line_alowd_chrg_amt"),
    "paid": ("paidtoprovider", "line_prvdr_pmt_amt", "rev_cntr_prvdr_pmt_amt"),
    "benefit": ("benefit", "line_nch_pmt_amt", "rev_cntr_pmt_amt_amt", "clm_pmt_amt"),
    "discount": ("discount",),
    "noncovered": ("noncovered", "rev_cntr_ncvrd_chrg_amt"),
    "deductible": ("deductible", "line_bene_ptb_ddctbl_amt", "rev_cntr_cash_ddctbl_amt"),
    "coinsurance": ("coinsurance", "line_coinsrnc_amt", "rev_cntr_coinsrnc_wge_adjstd_c"),
    "copay": ("copay",),
    "prior": ("priorpayerpaid", "line_bene_prmry_pyr_pd_amt"),
}
"""What an adjudication is about, by its codes: HL7's, CARIN's, and the variables of Blue Button (last part of each)."""
_KIND_OF = {code: kind for kind, codes in KINDS.items() for code in codes}
CARC_SYSTEMS = ("claim-adjustment-reason-codes", "adjustment-reason", "carc")


def is_fhir(data: bytes) -> bool:
    """True for JSON that names the type of a resource.

    >>> is_fhir(b'{"resourceType": "Bundle"}'), is_fhir(b'{"a": 1}')
    (True, False)
    """
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and b'"resourceType"' in data


class FhirFile:
    """The resources of one file by type, how many lines are broken, and what they point at."""

    def __init__(self, data: bytes) -> None:
        self.broken = 0
        self.found: dict[str, list[Resource]] = {}
        self.known: dict[str, Resource] = {}
        text = data.decode("utf-8-sig", "replace")
        try:
            whole = _parsed(text)
            parsed = whole if isinstance(whole, list) else [whole]
        except ValueError:
            parsed = [one for line in text.splitlines() if line.strip() for one in self._line(line)]
        for one in parsed:
            self._take(one, "")

    def _line(self, line: str) -> Iterator[Any]:
        try:
            yield _parsed(line)
        except ValueError:
            self.broken += 1

    def _take(self, resource: Any, url: str) -> None:
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(kind, str):
            self.broken += 1
            return
        if kind == "Bundle":
            for entry in _dicts(resource.get("entry")):
                self._take(entry.get("resource"), str(entry.get("fullUrl", "")))
            return
        self.found.setdefault(kind, []).append(resource)
        self.known |= {f"{kind}/{resource.get('id')}": resource, url: resource}

    def at(self, reference: Any, holder: Resource) -> Resource:
        """What a reference points at: contained in its holder, or in the same file; else nothing."""
        name = reference.get("reference", "") if isinstance(reference, dict) else ""
        if name.startswith("#"):
            return next((one for one in _dicts(holder.get("contained")) if one.get("id") == name[1:]), {})
        return self.known.get(name, {}) if name else {}

    def name_of(self, reference: Any, holder: Resource) -> str | None:
        """The name of an organisation, as the reference or what it points at says."""
        if not isinstance(reference, dict):
            return None
        named = self.at(reference, holder)
        bare = str(reference.get("reference", ""))
        bare = "" if any(sign in bare for sign in "/#:?") else bare
        name = (
            reference.get("display") or named.get("name") or dict_of(reference.get("identifier")).get("value") or bare
        )
        return str(name) if name and isinstance(name, str) else None

    def npi_of(self, reference: Any, holder: Resource) -> str | None:
        """The NPI of a provider: in the reference itself, or among the identifiers of what it points at."""
        name = str(dict_of(reference).get("reference", ""))
        if "us-npi|" in name:
            return name.rpartition("|")[2] or None
        inline = dict_of(dict_of(reference).get("identifier"))
        for one in [inline, *_dicts(self.at(reference, holder).get("identifier"))]:
            if str(one.get("system", "")).endswith("us-npi"):
                return str(one.get("value")) or None
        return None


def _parsed(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def _dicts(value: Any) -> list[dict[str, Any]]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]


def dict_of(value: Any) -> dict[str, Any]:
    """The first object of a value; STU3 has some objects where R4 has lists."""
    return next(iter(_dicts(value)), {})


def parts(resource: Resource, name: str) -> list[dict[str, Any]]:
    """The objects of an element that repeats."""
    return _dicts(resource.get(name))


def codes(concept: Any) -> list[str]:
    """The codes of a concept, without what only says that there is none."""
    found = _dicts(dict_of(concept).get("coding"))
    return [str(one["code"]) for one in found if "code" in one and "data-absent" not in str(one.get("system", ""))]


def kind_of(concept: Any) -> str:
    """What an adjudication or a total is about; nothing for what is no amount that we know.

    >>> kind_of({"coding": [{"code": "https://bluebutton.cms.gov/resources/variables/line_prvdr_pmt_amt"}]})
    'paid'
    """
    names = (code.rpartition("/")[2].lower() for code in codes(concept))
    return next((_KIND_OF[name] for name in names if name in _KIND_OF), "")


def amounts(adjudications: list[dict[str, Any]]) -> dict[str, Decimal]:
    """The amounts in dollars by what they are about: the first of each kind, what prior payers paid added up."""
    found: dict[str, Decimal] = {}
    for one in adjudications:
        kind, money = kind_of(one.get("category")), one.get("amount")
        value = dict_of(money).get("value")
        if kind and isinstance(value, Decimal):
            found[kind] = found.get(kind, Decimal()) + value if kind == "prior" else found.get(kind, value)
    return found


def carcs(adjudications: list[dict[str, Any]]) -> list[str]:
    """The claim adjustment reason codes (X12) that a line or claim names."""
    out = []
    for one in adjudications:
        for coding in _dicts(dict_of(one.get("reason")).get("coding")):
            if any(system in str(coding.get("system", "")).lower() for system in CARC_SYSTEMS) and coding.get("code"):
                out.append(str(coding["code"]))
    return out


def currencies(resource: Any) -> set[str]:
    """Every currency that a resource names."""
    if isinstance(resource, dict):
        own = {str(resource[name]) for name in ("currency",) if isinstance(resource.get(name), str)}
        own |= {str(resource["code"])} if "4217" in str(resource.get("system", "")) and "code" in resource else set()
        return own.union(*(currencies(value) for value in resource.values()))
    return set().union(*(currencies(one) for one in resource)) if isinstance(resource, list) else set()


def cents(dollars: Decimal | None) -> int | None:
    """Whole cents, half a cent up.

    >>> cents(Decimal("144.985")), cents(None)
    (14499, None)
    """
    if dollars is None:
        return None
    return int((dollars * 100).to_integral_value(ROUND_HALF_UP))


def day(*values: Any) -> dt.date | None:
    """The first of the values that is a day or a moment."""
    for value in values:
        try:
            return dt.date.fromisoformat(str(value)[:10])
        except ValueError:
            continue
    return None


def tail(reference: Any) -> str | None:
    """The id at the end of a reference: "Claim/7" or "urn:uuid:7" is 7."""
    name = str(dict_of(reference).get("reference", ""))
    return name.rpartition("/")[2].rpartition(":")[2].lstrip("#") or None


def account_number(resource: Resource) -> str | None:
    """The practice's own number of a claim, where the resource repeats it (CARIN: patient account number)."""
    for one in parts(resource, "supportingInfo"):
        if "patientaccountnumber" in codes(one.get("category")):
            said = one.get("valueString") or next(iter(codes(one.get("code"))), None)
            return str(said or dict_of(one.get("valueIdentifier")).get("value") or "") or None
    return None
