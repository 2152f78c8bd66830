"""What a payer should have allowed: the contract's price of a line, else what the payer usually allows for it.

One definition of the contract's price (`with_contract_price`, `lesser_of_charge`) serves every measure. What is
compared with it is the allowed amount, never the paid one: what is paid depends on the patient's deductible.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw

from ...ledger.adjudications import (
    COST_SHARE,
    ORDER,
    UNDECIDED,
    WITHHELD,
    adjustment_lines,
    is_first,
    line_adjudications,
)
from ...ledger.postings import one_if, optional
from ...tables.frames import keeps_answers, kept, month_of, source
from ...tables.reference.carc import codes_of

col = nw.col

PRICED_MODIFIERS = (
    *("22", "26", "50", "51", "52", "53", "54", "55", "56", "62", "66", "73", "74", "78", "80", "81", "82"),
    *("AA", "AD", "AS", "FX", "FY", "QK", "QX", "QY", "QZ", "TC", "CO", "CQ", "NU", "RR", "UE"),
)
"""Modifiers that lawfully lower or raise the price: without a price of their own there is nothing to compare with."""

FACILITY_PLACES = ("19", "21", "22", "23", "24", "26", "31", "34", "41", "42", "51", "52", "53", "56", "61")
"""Places of service where a professional is paid the facility price, which a schedule without places does not state."""

PLAIN_DISCOUNTS = ("45", "42", "94")
"""The discount down to the contract's price itself (and its legacy code, and what was paid above the charge)."""

FEWEST_LINES = 10
MODE_PERCENT = 55
"""A usual amount needs ten earlier lines; one value with this share of them is the usual one, else the median is."""

FILLERS = ("99199", "D9999", "0949", "949")
"""Codes that payers put in the place of one that they could not read: no decision on another code."""

FEWER_UNITS = ("119", "151", "222")
"""Adjustment codes of a cut of the number of services."""

CHANGED = ("recode", "units", "recode, units")
"""What a payer changed of the work billed: the code, the units, or both."""

LINE = ("client", "claim_id", "payer", "line_number", "procedure")
KEY = ("client", "payer", "procedure", "modifiers", "place_of_service", "contract_year")
HELD = "expected lines"
EXPECTED = (
    *LINE,
    "modifiers",
    "place_of_service",
    "service_on",
    "received_on",
    "units",
    "charge_cents",
    "paid_cents",
    "allowed_cents",
    "contract_cents",
    "inferred_cents",
    "high_cents",
    "expected_cents",
    "unit_cents",
    "contract_from",
    "contract_modifiers",
    "basis",
    "method",
    "decided_procedure",
    "decided_units",
    "change",
    "change_basis",
    "denied_cents",
    "highest_cents",
    "unit",
    "excluded",
)


def with_contract_price(
    lines: nw.LazyFrame, tables: Mapping[str, Any], *, key: Sequence[str], plain: bool = False
) -> nw.LazyFrame:
    """The lines with the contract's price, empty where it has none: price_cents, unit_cents, contract_from,
    contract_modifiers.

    Formula
        price_cents = unit_cents x units, before the lesser-of-charge clause
        unit_cents  = fee schedule of the payer, procedure and exact modifiers in force on the day of service;
        of two that are in force the later one, of equally late ones the higher
    Counts
        Lines (with client, payer, procedure, modifiers, units, service_on, and unique in `key`) with whole units.
        `plain` takes the price without the modifiers that change none (25, RT, ...), where the exact ones have none.
    Unit
        cents
    """
    same = ["client", "payer", "procedure"]
    fees = source(tables, "fee_schedules", [*same, "modifiers", "effective_from", "effective_to", "allowed_cents"])
    fees = fees.with_columns(col("modifiers").fill_null("")).rename(
        {"allowed_cents": "fee_cents", "modifiers": "fee_modifiers"}
    )
    stripped = col("modifiers").str.replace_all(_NO_PRICE, "").str.replace_all("^:", "") if plain else col("modifiers")
    offers = (
        lines.with_columns(plain_modifiers=stripped)
        .join(fees, on=same, how="left")
        .with_columns(is_exact=one_if(col("fee_modifiers") == col("modifiers")))
    )
    fits = (col("is_exact") == 1) | (col("fee_modifiers") == col("plain_modifiers"))
    in_force = (col("effective_from") <= col("service_on")) & (
        col("effective_to").is_null() | (col("effective_to") >= col("service_on"))
    )
    offers = offers.with_columns(is_offer=one_if(fits & in_force & (col("units").floor() == col("units"))))
    best = offers.filter(is_first(tuple(key), ("is_offer", "is_exact", "effective_from", "fee_cents"), reverse=True))
    there = col("is_offer") == 1
    return best.with_columns(
        unit_cents=nw.when(there).then(col("fee_cents")),
        contract_from=nw.when(there).then(col("effective_from")),
        price_cents=nw.when(there).then(col("fee_cents") * col("units").cast(nw.Int64)),
        contract_modifiers=nw.when(there).then(col("fee_modifiers")),
    ).drop("plain_modifiers", "fee_modifiers", "effective_from", "effective_to", "fee_cents", "is_exact", "is_offer")


def lesser_of_charge(price: nw.Expr) -> nw.Expr:
    """The price, or the charge where that is less or there is no price: contracts pay no more than was charged."""
    return nw.when(price < col("charge_cents")).then(price).otherwise(col("charge_cents"))


@kept
def expected_allowed(tables: Mapping[str, Any], *, as_of: dt.date, every_decision: bool = False) -> nw.LazyFrame:
    """One row per line that a primary payer has decided, with what it allowed and what it should have.

    Formula
        allowed_cents   net of every decision on the line: paid + PR 1, 2, 3 + 253 + 104, reversals taken off
        highest_cents   the most that any decision on the line allowed
        contract_cents  min(fee schedule in force on the day of service x units, charge), by exact modifiers, else
                        without those that change no price (25, 59, RT, LT, ...)
        inferred_cents  without such a price: min(usual amount of one unit x units, charge), the usual amount being
                        the mode where it holds at least 55 % of at least 10 earlier lines, else their median
        high_cents      the same from the 90th percentile: a payer that pays most lines short makes its own mode
        expected_cents  contract_cents, else inferred_cents
        basis           contract, inferred, or empty;  method: contract, mode, median, or empty
    Counts
        The latest decision on each line that was not taken back whole. `excluded` says why a line is not to be
        compared (empty when it is): recouped, denied, zero_allowed, capitated (24), multiple_procedure (59),
        lawful_reduction, prior_payer (23), patient_other (a PR code beside 1, 2, 3), other_code, unbalanced, units,
        modifier (one that changes the price, and no price for it), bundled, recoded (`recoded_lines`).
        procedure, modifiers and units are those billed. Where the payer decided others, `change` names what it
        changed (recode, units, both, or bundle: several codes into one), with decided_procedure and decided_units;
        change_basis is stated (SVC06, SVC07) or inferred: the 837 line of the same number, charge and day has another
        code, or more units and the payer cut services (119, 151, 222).
        Earlier lines: same payer, procedure, modifiers, place and year of service, decided in an earlier month,
        comparable, and not held down by their charge. The year stands in for the contract's, which nobody wrote
        down. A professional line in a facility is compared with what is usual there: schedules hold no places.
        Claim payments without lines, and claims reversed without them, are left out.
        `every_decision` gives every decision as it was taken, instead of the latest on each line.
    Date basis
        service_on for the price; received_on of the latest decision, up to `as_of`
    Unit
        cents; units is a number
    Empty
        No price and no history: basis is empty. No such line: no rows.
    Source
        medibilling.app, underpayment detection guide (allowed against contract, tolerance routing); X12 RFI 2601;
        RFI 2320, 2375 and 366 (codes changed by the payer, bundles, fillers)
    """
    if keeps_answers(tables):
        return _compared(_every_decision(tables), as_of, every_decision)
    held = {} if every_decision else optional(tables, HELD) or {}
    return (
        held[as_of].lazy()
        if as_of in held
        else _compared(_priced(_decisions(tables, as_of), tables), as_of, every_decision)
    )


@partial(kept, stored=True)
def _every_decision(tables: Mapping[str, Any]) -> nw.LazyFrame:
    return _priced(_decisions(tables, dt.date.max), tables)


def hold(tables: Mapping[str, Any], *days: dt.date) -> Mapping[str, Any]:
    """The tables with the answers of `expected_allowed` for these days worked out, once for all that ask for them.

    Counts
        Every decision is read and priced once, whatever the number of days; a day that is not held is worked out when
        it is asked for, as without `hold`.
    Empty
        No day, or tables that keep what is derived from them (`frames.kept`): the tables as they are.
    """
    if not days or keeps_answers(tables):
        return tables
    lines = _priced(_decisions(tables, max(days)), tables).collect("polars")
    return {**tables, HELD: {day: _compared(lines.lazy(), day).collect("polars") for day in days}}


def _compared(priced: nw.LazyFrame, as_of: dt.date, every_decision: bool = False) -> nw.LazyFrame:
    """The standing lines of `as_of`, each beside what was usual before it."""
    lines = _standing(priced.filter(col("received_on") <= as_of), every_decision).with_columns(excluded=_excluded())
    usual = _usual(lines.filter(col("contract_cents").is_null(), col("excluded").is_in(["", "recoded"])))
    rows = lines.with_columns(month_of(col("received_on"))).join(usual, on=[*KEY, "month"], how="left")
    whole = col("units").cast(nw.Int64)
    is_whole = (col("units") > 0) & (col("units").floor() == col("units"))
    is_open = col("contract_cents").is_null() & ~col("usual_cents").is_null() & is_whole
    inferred, high = (
        nw.when(is_open).then(lesser_of_charge(col(name) * whole)) for name in ("usual_cents", "p90_cents")
    )
    rows = rows.with_columns(inferred_cents=inferred, high_cents=high)
    named = nw.when(~col("contract_cents").is_null()).then(nw.lit("contract"))
    return rows.with_columns(
        basis=named.otherwise(nw.when(is_open).then(nw.lit("inferred")).otherwise(nw.lit(""))),
        method=named.otherwise(nw.when(is_open).then(col("usual_method")).otherwise(nw.lit(""))),
        expected_cents=nw.coalesce(col("contract_cents"), col("inferred_cents")),
        unit_cents=nw.coalesce(col("unit_cents"), nw.when(is_open).then(col("usual_cents"))),
    ).select(*EXPECTED)


def _decisions(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    """Every decision of a primary payer on a line, reversals too, with what forbids a comparison."""
    known = line_adjudications(tables, as_of=as_of).filter(col("payer_order") == "primary")
    return known.join(_marks(tables, as_of), on=["client", "unit"], how="left").with_columns(
        *[col(name).fill_null(0) for name in MARKS]
    )


def _priced(decisions: nw.LazyFrame, tables: Mapping[str, Any]) -> nw.LazyFrame:
    return _with_price(
        _with_change(_with_billed(decisions.with_columns(col("line_number").fill_null(0)), tables)), tables
    )


def _standing(known: nw.LazyFrame, every_decision: bool) -> nw.LazyFrame:
    """The latest decision on each line of a primary payer, with the net allowed and paid amount of all of them."""
    # Windows instead of joins with itself: every further use of `known` would be computed once more.
    reversal = col("outcome") == "reversal"
    marked = (
        known.with_columns(
            bare=one_if((col("lines") == 0) & reversal),
            event=nw.when(reversal).then(-1).otherwise(1),
            decided=one_if((col("lines") == 1) & ~col("outcome").is_in(list(UNDECIDED))),
        )
        .with_columns(claim_bare=col("bare").sum().over("client", "claim_id"))
        .filter(col("lines") == 1, col("claim_bare") == 0)
    )
    marked = marked.with_columns(highest_cents=col("allowed_cents").max().over(*LINE))
    return marked.with_columns(stands=nw.lit(1)).filter(col("decided") == 1) if every_decision else _latest(marked)


def _latest(rows: nw.LazyFrame) -> nw.LazyFrame:
    net = {name: col(name).sum().over(*LINE) for name in ("allowed_cents", "paid_cents")}
    turn = col("decided").cum_sum(reverse=True).over(*LINE, order_by=[*ORDER, "unit"])
    latest = rows.with_columns(**net, stands=col("event").sum().over(*LINE), turn=turn).filter(
        col("decided") == 1, col("turn") == 1
    )
    return latest.with_columns(*[col(name).cast(nw.Int64) for name in net])


MARKS = ("capitated", "multiple", "lawful", "patient_other", "bundled", "cut")


def _marks(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    """How many adjustments of each kind that forbids a comparison stand on each line."""
    lawful = [*codes_of(category="contractual"), *codes_of(category="program_reduction")]
    lawful = [code for code in lawful if code not in (*PLAIN_DISCOUNTS, *WITHHELD, "24", "59")]
    by_patient = col("group_code") == "PR"
    told = (
        adjustment_lines(tables, as_of=as_of)
        .filter(col("amount_cents") != 0)
        .with_columns(
            capitated=one_if(col("carc") == "24"),
            multiple=one_if(col("carc") == "59"),
            lawful=one_if(col("carc").is_in(lawful)),
            patient_other=one_if(by_patient & ~col("carc").is_in(list(COST_SHARE))),
            bundled=one_if((col("carc") == "94") & (col("group_code") == "OA")),
            cut=one_if(col("carc").is_in(list(FEWER_UNITS))),
        )
    )
    forbid = told.filter(sum((col(name) for name in MARKS[1:]), col(MARKS[0])) > 0)
    return forbid.group_by("client", "unit").agg(*[col(name).sum() for name in MARKS])


def _with_billed(lines: nw.LazyFrame, tables: Mapping[str, Any]) -> nw.LazyFrame:
    """Code, modifiers, units, place and day of service as billed, beside the code and the units that were decided.

    The line of the bill is the one of the same number: with the code that was billed (SVC06, else SVC01), else, of the
    same charge and day, another code that the payer changed without saying so.
    """
    named = {"modifiers": "their_modifiers", "units": "their_units", "service_on": "their_service_on"}
    said = ["submitted_procedure", "submitted_modifiers", "submitted_units"]
    decided = source(tables, "remit_lines", ["client", "remit_line_id", *named], may_lack=said)
    billed = source(
        tables,
        "claim_lines",
        [*SENT, "procedure", "modifiers", "units", "place_of_service", "service_on", "charge_cents"],
    ).rename({"procedure": "sent_procedure", "charge_cents": "sent_cents"})
    claims = source(tables, "claims", ["client", "claim_id", "claim_type", "service_on"])
    rows = (
        lines.join(decided.rename({"remit_line_id": "unit", **named}), on=["client", "unit"], how="left")
        .join(billed, on=list(SENT), how="left")
        .join(claims.rename({"service_on": "claim_service_on"}), on=["client", "claim_id"], how="left")
    )
    is_said = ~col("submitted_procedure").is_null() & ~col("procedure").is_in(list(FILLERS))
    both = (col("sent_procedure").str.len_chars() == 5) & (col("procedure").str.len_chars() == 5)
    same_day = (col("service_on") == col("their_service_on")) | col("their_service_on").is_null()
    alike = both & (col("sent_cents").abs() == col("charge_cents").abs()) & (col("sent_cents") > 0) & same_day
    code = nw.when(is_said).then(col("submitted_procedure")).otherwise(col("procedure"))
    code = nw.when(col("submitted_procedure").is_null() & alike).then(col("sent_procedure")).otherwise(code)
    rows = rows.with_columns(decided_procedure=col("procedure"), procedure=code)
    is_sent = (col("sent_procedure") == col("procedure")).fill_null(False)  # noqa: FBT003
    own = {name: nw.when(is_sent).then(col(name)) for name in ("modifiers", "units", "service_on", "place_of_service")}
    day = nw.coalesce(own["service_on"], col("their_service_on"), col("claim_service_on"))
    plain = nw.when(col("procedure") == col("decided_procedure")).then(col("their_modifiers"))
    return rows.with_columns(
        modifiers=nw.coalesce(own["modifiers"], col("submitted_modifiers"), plain).fill_null(""),
        units=nw.coalesce(own["units"], col("submitted_units"), col("their_units")).fill_null(1.0),
        decided_units=col("their_units").fill_null(1.0),
        place_of_service=own["place_of_service"].fill_null(""),
        claim_type=col("claim_type").fill_null(""),
        service_on=day,
        contract_year=day.dt.year(),
    )


SENT = ("client", "claim_id", "line_number")


def _with_change(lines: nw.LazyFrame) -> nw.LazyFrame:
    """The lines with `change` and `change_basis`, empty where the payer decided what was billed."""
    group = ("client", "remit_claim_id", "decided_procedure")
    rows = lines.with_columns(
        recoded=one_if(col("procedure") != col("decided_procedure")),
        fewer=one_if((col("units") > col("decided_units")) & (~col("submitted_units").is_null() | (col("cut") > 0))),
    )
    several = col("procedure").min().over(*group) != col("procedure").max().over(*group)
    absorbed = (col("allowed_cents").abs().min().over(*group) == 0) | (col("bundled").max().over(*group) > 0)
    recoded, fewer = col("recoded") == 1, col("fewer") == 1
    change = nw.lit("")
    for name, holds in reversed(
        [
            ("bundle", (recoded & several & absorbed) | (col("bundled") > 0)),
            ("recode, units", recoded & fewer),
            ("recode", recoded),
            ("units", fewer),
        ]
    ):
        change = nw.when(holds).then(nw.lit(name)).otherwise(change)
    stated = ~col("submitted_procedure").is_null() | ~col("submitted_units").is_null()
    basis = nw.when(stated).then(nw.lit("stated")).otherwise(nw.lit("inferred"))
    return rows.with_columns(change=change).with_columns(
        change_basis=nw.when(col("change") == "").then(nw.lit("")).otherwise(basis)
    )


def _with_price(lines: nw.LazyFrame, tables: Mapping[str, Any]) -> nw.LazyFrame:
    """The lines with unit_cents, contract_from, contract_modifiers and contract_cents, empty where there is no
    price."""
    if optional(tables, "fee_schedules") is None:
        return lines.with_columns(
            unit_cents=nw.lit(None, nw.Int64),
            contract_from=nw.lit(None, nw.Date),
            contract_modifiers=nw.lit(None, nw.String),
            contract_cents=nw.lit(None, nw.Int64),
        )
    rows = with_contract_price(lines, tables, key=("client", "unit"), plain=True)
    elsewhere = (col("claim_type") == "professional") & col("place_of_service").is_in(list(FACILITY_PLACES))
    priced = ~col("price_cents").is_null() & ~elsewhere & (col("units") > 0)
    return rows.with_columns(
        contract_cents=nw.when(priced).then(lesser_of_charge(col("price_cents"))),
        **{name: nw.when(priced).then(col(name)) for name in ("unit_cents", "contract_from", "contract_modifiers")},
    )


_NO_PRICE = (
    r"(^|:)(25|24|57|58|59|76|77|79|91|95|GT|GQ|GC|GA|GY|GZ|KX|Q[56]|X[EPSU]|RT|LT|E[1-4]|F[1-9A]|"
    r"T[1-9A]|L[CMD]|R[CI]|JZ|GW|GV|SL|QW)\b"
)
"""Modifiers that say where, when or why, and change no price."""
_CHANGES_PRICE = rf"(^|:)({'|'.join(PRICED_MODIFIERS)})\b"


def _excluded() -> nw.Expr:
    """Why a line is not compared; the first reason that holds."""
    unpriced = col("contract_cents").is_null() & col("modifiers").str.contains(_CHANGES_PRICE)
    changed = col("change").is_in(list(CHANGED))
    reason = nw.lit("")
    for name, holds in reversed(
        [
            ("recouped", col("stands") <= 0),
            ("denied", (col("denied_cents") > 0) & (~changed | (col("allowed_cents") <= 0))),
            ("capitated", col("capitated") > 0),
            ("zero_allowed", col("allowed_cents") <= 0),
            ("multiple_procedure", col("multiple") > 0),
            ("lawful_reduction", col("lawful") > 0),
            ("prior_payer", col("prior_payer_cents") != 0),
            ("patient_other", col("patient_other") > 0),
            ("other_code", (col("other_cents") != 0) | (col("pended_cents") != 0)),
            ("unbalanced", col("unexplained_cents") != 0),
            ("units", (col("units") <= 0) | (col("units").floor() != col("units"))),
            ("modifier", unpriced),
            ("bundled", col("change") == "bundle"),
            ("recoded", changed),
        ]
    ):
        reason = nw.when(holds).then(nw.lit(name)).otherwise(reason)
    return reason


def _usual(lines: nw.LazyFrame) -> nw.LazyFrame:
    """By KEY and month: what one unit was usually allowed before that month (usual_cents, its method, p90_cents)."""
    whole = col("units").cast(nw.Int64)
    decided_so = col("excluded") == ""
    free = lines.filter(decided_so, col("allowed_cents") < col("charge_cents"), col("allowed_cents") % whole == 0)
    past = free.with_columns(past=month_of(col("received_on")), one_cents=col("allowed_cents") // whole, one=nw.lit(1))
    past = past.group_by(*KEY, "past", "one_cents").agg(lines=col("one").sum())
    asked = lines.with_columns(month_of(col("received_on"))).select(*KEY, "month").unique()
    before = asked.join(past, on=list(KEY)).filter(col("past") < col("month"))
    values = before.group_by(*KEY, "month", "one_cents").agg(col("lines").sum())
    group = (*KEY, "month")
    ranked = values.with_columns(
        total=col("lines").sum().over(*group),
        most=col("lines").max().over(*group),
        upto=col("lines").cum_sum().over(*group, order_by="one_cents"),
    ).filter(col("total") >= FEWEST_LINES)
    picked = (
        ranked.with_columns(
            mode_cents=nw.when(
                (col("lines") == col("most")) & (col("lines") * 100 >= col("total") * MODE_PERCENT)
            ).then(col("one_cents")),
            median_cents=nw.when(col("upto") * 2 >= col("total")).then(col("one_cents")),
            p90_cents=nw.when(col("upto") * 10 >= col("total") * 9).then(col("one_cents")),
        )
        .group_by(*group)
        .agg(col("mode_cents").max(), col("median_cents").min(), col("p90_cents").min())
    )
    is_mode = ~col("mode_cents").is_null()
    return picked.with_columns(
        usual_cents=nw.coalesce(col("mode_cents"), col("median_cents")),
        usual_method=nw.when(is_mode).then(nw.lit("mode")).otherwise(nw.lit("median")),
    ).drop("mode_cents", "median_cents")
