"""First denials counted by cell (payer, code, provider, location) and month, beside what was usual in each cell.

It also says how unlikely it is that a rise above the usual rate is chance.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl

from ...ledger.adjudications import CLAIM, ORDER, PAYMENT, UNDECIDED, adjustment_lines, is_first, line_adjudications
from ...measures.payers.contract import with_contract_price
from ...tables.frames import kept, source
from ...tables.reference.carc import category_of, codes_of, priority_of
from ..statistics.control_charts import MEAN_RANGE_OF_TWO

col = nw.col
VISITS = "visits"
FEWEST_PAID = 5
"""Fewer paid lines do not show what a payer usually allows for a code."""
SURGERY = {
    "1": "surgery: skin",
    "2": "surgery: musculoskeletal",
    "3": "surgery: respiratory and heart",
    "4": "surgery: digestive",
    "5": "surgery: urinary and genital",
    "6": "surgery: nerves, eye and ear",
}
LEVELS: dict[tuple[str, ...], str] = {
    (): "whole client",
    ("payer",): "payer",
    ("family",): "code family",
    ("provider",): "provider",
    ("location",): "location",
    ("procedure",): "code",
    ("payer", "family"): "payer and code family",
    ("payer", "provider"): "payer and provider",
    ("payer", "location"): "payer and location",
    ("payer", "procedure"): "payer and code",
}
"""Every level at which denials are counted, the coarser ones first, with the words for it."""


def family_of(procedure: str | None) -> str | None:
    """The code family: the sections of CPT, surgery by its body systems, HCPCS by its letter.

    Source
        section ranges of CPT (00100-01999 anesthesia, 10004-69990 surgery, 70010-79999 radiology,
        80047-89398 laboratory, 90281-99607 medicine, 99202-99499 evaluation and management). Eye
        visits (92002-92014) stand with the visits, because they are billed in their place.

    >>> [family_of(code) for code in ("99213", "92014", "97110", "73721", "29881", "J1100", "0421T", "01400")]
    ['visits', 'visits', 'medicine', 'radiology', 'surgery: musculoskeletal', 'HCPCS J', 'category III', 'anesthesia']
    """
    if not procedure:
        return None
    if len(procedure) != 5 or not procedure[1:4].isdigit():
        return "other codes"
    if not procedure[0].isdigit():
        return f"HCPCS {procedure[0]}"
    if not procedure[4].isdigit():
        return {"T": "category III", "F": "category II"}.get(procedure[4], "other codes")
    number = int(procedure)
    if 99202 <= number <= 99499 or 92002 <= number <= 92014:
        return VISITS
    if number < 10000:
        return "anesthesia" if number < 2000 else "other codes"
    return SURGERY.get(procedure[0]) or {"7": "radiology", "8": "laboratory"}.get(procedure[0], "medicine")


@kept
def first_lines(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """The first decision of the primary payer on every service line: one row per line and claim.

    Counts
        Decisions known by `as_of`. Decisions of secondary and tertiary payers are left out: these decide on remainders
        only, and their share of all decisions grows in the first months of a record. A line counts once, on the day
        of its first decision, whatever was resubmitted, reversed or corrected later. Lines that a corrected claim
        adds after a reversal do not count. Reversals, pended answers and refusals as a duplicate are no decisions.
        A line is denied when a code of the family "denial" stands against it, group PR left out;
        its category is that of the code with the largest amount (ties: `reference.carc.PRIORITY`).
    Columns
        client, claim_id, unit, line_number, procedure, modifiers, units, payer, provider,
        location, service_on, received_on, charge_cents, allowed_cents, status, outcome, carc and
        category (empty unless denied), denied_cents
    Date basis
        received_on of the remittance
    Source
        HFMA Claim Integrity Task Force 2021 (a denial counts once; duplicates are left out)
    """
    lines = line_adjudications(tables, as_of=as_of).filter(col("payer_order") == "primary")
    lines = lines.with_columns(line_number=col("line_number").fill_null(0))
    reversed_on = lines.filter(col("outcome") == "reversal").group_by(*CLAIM).agg(reversed_on=col("received_on").min())
    decided = lines.filter(~col("outcome").is_in(list(UNDECIDED))).filter(is_first((*CLAIM, "line_number"), ORDER))
    opened_on = decided.group_by(*CLAIM).agg(opened_on=col("received_on").min())
    known = decided.join(reversed_on, on=list(CLAIM), how="left").join(opened_on, on=list(CLAIM), how="left")
    # A correction comes with its reversal or after it; the decision that was reversed came first.
    before = col("reversed_on").is_null() | (col("received_on") < col("reversed_on"))
    known = known.filter(before | (col("received_on") == col("opened_on")))
    named = known.join(_reasons(tables, as_of), on=["client", "unit"], how="left")
    details = source(tables, "remit_lines", ["client", "remit_line_id", "modifiers", "units", "service_on"]).rename(
        {"remit_line_id": "unit"}
    )
    claims = source(tables, "claims", ["client", "claim_id", "provider", "location", "service_on"]).rename(
        {"service_on": "claim_service_on"}
    )
    wide = named.join(details, on=["client", "unit"], how="left").join(claims, on=["client", "claim_id"], how="left")
    rows = wide.select("client", "claim_id", *COLUMNS, "claim_service_on").collect("pandas").to_native()
    return _tidy(rows)


def with_expected(tables: Mapping[str, Any], lines: pd.DataFrame) -> pd.DataFrame:
    """The lines with `expected_cents`, the amount that the payer would allow, and `basis`, which says how it is known.

    Formula
        contract   the contract's price (`measures.payers.contract.with_contract_price`), or the charge if that is less
        inferred   where there is no price: the median of what the payer allowed per unit on its paid lines of this
                   code x units. With fewer than 5 such lines: the charge x the share of charges that the
                   payer allows. Never more than the charge
    Counts
        Units as billed (table claim_lines, else the remittance; 1 where neither says).
    Unit
        cents, as a number that need not be whole
    Empty
        Where no payer has ever paid anything: the charge.
    """
    rows = _with_units(tables, lines)
    charge = rows["charge_cents"].astype("float64")
    price = _contract_prices(tables, rows)
    amount = price.fillna(_usual(rows)).clip(upper=charge)
    return rows.assign(expected_cents=amount, basis=np.where(price.notna(), "contract", "inferred"))


def _with_units(tables: Mapping[str, Any], lines: pd.DataFrame) -> pd.DataFrame:
    keys = ["client", "claim_id", "line_number"]
    adjudicated = pd.to_numeric(lines["units"]).astype("float64")
    if "claim_lines" in tables:
        billed = source(tables, "claim_lines", [*keys, "units"]).collect("pandas").to_native().drop_duplicates(keys)
        billed = billed.astype({"client": object, "claim_id": object, "line_number": "int64"})
        said = lines[keys].merge(billed, on=keys, how="left")["units"].set_axis(lines.index)
        adjudicated = pd.to_numeric(said).astype("float64").fillna(adjudicated)
    return lines.assign(units=adjudicated.where(adjudicated > 0, 1.0))


def _contract_prices(tables: Mapping[str, Any], rows: pd.DataFrame) -> pd.Series:
    """The contract's price of each line, empty where there is none."""
    if "fee_schedules" not in tables:
        return pd.Series(np.nan, index=rows.index)
    names = ["client", "payer", "procedure", "modifiers", "effective_from", "effective_to", "allowed_cents"]
    fees = {"fee_schedules": source(tables, "fee_schedules", names).collect("polars").to_native()}
    asked = pl.DataFrame({name: pl.Series(rows[name].to_numpy(), dtype=pl.String) for name in names[:3]}).with_columns(
        place=pl.Series(np.arange(len(rows))),
        units=pl.Series(rows["units"].to_numpy()),
        service_on=pl.Series(rows["service_on"]).cast(pl.Date),
        modifiers=pl.Series(rows["modifiers"].fillna("").to_numpy(), dtype=pl.String),
    )
    priced = with_contract_price(nw.from_native(asked.lazy()), fees, key=["place"], plain=True)
    price = priced.select("place", "price_cents").collect("polars").to_native().sort("place")["price_cents"]
    return pd.Series(price.cast(pl.Float64).to_numpy(), index=rows.index)


def _usual(rows: pd.DataFrame) -> pd.Series:
    """What the payer usually allows for such a line."""
    paid = rows[(rows["outcome"] == "paid") & (rows["allowed_cents"] > 0)]
    each = (
        paid.assign(each=paid["allowed_cents"] / paid["units"])
        .groupby(["payer", "procedure"])["each"]
        .agg(["median", "size"])
    )
    known = each.loc[each["size"] >= FEWEST_PAID, "median"].rename("usual").reset_index()
    usual = (
        rows[["payer", "procedure"]].merge(known, on=["payer", "procedure"], how="left")["usual"].set_axis(rows.index)
    )
    sums = paid.groupby("payer")[["allowed_cents", "charge_cents"]].sum()
    whole = paid["allowed_cents"].sum() / paid["charge_cents"].sum() if len(paid) else 1.0
    share = rows["payer"].map(sums["allowed_cents"] / sums["charge_cents"]).astype("float64").fillna(whole)
    return (usual.astype("float64") * rows["units"]).fillna(share * rows["charge_cents"])


COLUMNS = (
    "unit",
    "line_number",
    "procedure",
    "modifiers",
    "units",
    "payer",
    "provider",
    "location",
    "service_on",
    "received_on",
    "charge_cents",
    "allowed_cents",
    "status",
    "outcome",
    "carc",
    "category",
    "denied_cents",
)


def _reasons(tables: Mapping[str, Any], as_of: dt.date) -> nw.LazyFrame:
    """The one code that names the denial of each line."""
    wanted = [code for code in codes_of(family="denial") if code not in codes_of(category="duplicate")]
    shares = adjustment_lines(tables, as_of=as_of).filter(col("carc").is_in(wanted), col("group_code") != "PR")
    by_code = shares.group_by(*PAYMENT, "unit", "carc").agg(col("amount_cents").sum()).filter(col("amount_cents") > 0)
    ranked = by_code.with_columns(
        category=category_of(col("carc"), family="denial"), smallness=col("amount_cents") * -1
    )
    ranked = ranked.with_columns(place=priority_of(col("category")))
    return ranked.filter(is_first(("client", "unit"), ("smallness", "place", "carc"))).select(
        "client", "unit", "carc", "category"
    )


def _tidy(rows: pd.DataFrame) -> pd.DataFrame:
    for name in ("service_on", "claim_service_on", "received_on"):
        rows[name] = pd.to_datetime(rows[name]).astype("datetime64[us]")
    rows["service_on"] = rows["service_on"].fillna(rows.pop("claim_service_on"))
    rows["units"] = pd.to_numeric(rows["units"]).astype("float64")
    text = [name for name in rows if name not in ("units", "line_number") and not name.endswith(("_on", "_cents"))]
    for name in text:
        rows[name] = rows[name].astype(object).where(rows[name].notna(), None)
    is_denied = rows["outcome"].isin(["fully_denied", "partially_denied"])
    rows.loc[~is_denied, ["carc", "category"]] = None
    return rows.sort_values(["received_on", "claim_id", "line_number", "unit"], ignore_index=True)


@dataclass(frozen=True)
class Cells:
    """How many claims, lines and cents each cell decided in each month, and how many of them were denied.

    A cell is a payer, a code, a provider, a location, or a payer together with one of the others. `table` has one row
    per cell: its level, its names, and `parents`, the rows of the next coarser cells. The counts have the axes cell
    and month; those that begin with `denied_` have the category of denial as a first axis. In each cell a claim counts
    once however many of its lines stand there: lines of one claim are denied together.
    """

    months: pd.PeriodIndex
    categories: list[str]
    table: pd.DataFrame
    claims: np.ndarray
    lines: np.ndarray
    cents: np.ndarray
    denied_claims: np.ndarray
    denied_lines: np.ndarray
    denied_cents: np.ndarray
    member: np.ndarray
    """Axes: level, line. The cell to which the line belongs at that level; -1 where the line names no payer, code and
    so on."""
    steps: list[tuple[np.ndarray, np.ndarray]]
    """For each level below the whole client: its cells, and the next coarser cells of each (filled up by repeating the
    last)."""

    def without(self, counts: tuple[np.ndarray, ...]) -> Cells:
        """The same cells after the counts of some claims were subtracted."""
        names = ("claims", "lines", "cents", "denied_claims", "denied_lines", "denied_cents")
        return replace(self, **{name: getattr(self, name) - part for name, part in zip(names, counts, strict=True)})


def with_families(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines with the family of their code and the month in which the remittance came."""
    codes = {code: family_of(code) for code in lines["procedure"].dropna().unique()}
    return lines.assign(family=lines["procedure"].map(codes), month=lines["received_on"].dt.to_period("M"))


@kept
def expected_lines(tables: Mapping[str, Any], *, as_of: dt.date) -> pd.DataFrame:
    """`first_lines` with `expected_cents` and families."""
    return with_families(with_expected(tables, first_lines(tables, as_of=as_of)))


def cells_of(lines: pd.DataFrame, months: pd.PeriodIndex) -> Cells:
    """Count the lines in every cell of every level. `lines` come from `with_families` and have `expected_cents`; all
    were decided within `months`."""
    parts, member, start = [], [], 0
    for dims in LEVELS:
        ids, found = _level(lines, dims)
        member.append(np.where(ids >= 0, ids + start, -1))
        parts.append(found)
        start += len(found)
    table = pd.concat(parts, ignore_index=True).reindex(
        columns=["level", "payer", "family", "procedure", "provider", "location"]
    )
    table = table.astype(object).where(table.notna(), None)
    table["parents"] = _parents(np.array(member), len(table))
    categories = sorted(lines["category"].dropna().unique())
    none = np.zeros(0)
    empty = Cells(months, categories, table, none, none, none, none, none, none, np.array(member), _steps(table))
    names: tuple[str, ...] = ("claims", "lines", "cents", "denied_claims", "denied_lines", "denied_cents")
    counted: dict[str, Any] = dict(zip(names, counts_of(lines, empty, np.arange(len(lines))), strict=True))
    return replace(empty, **counted)


def _level(lines: pd.DataFrame, dims: tuple[str, ...]) -> tuple[np.ndarray, pd.DataFrame]:
    if not dims:
        return np.zeros(len(lines), np.int64), pd.DataFrame({"level": [LEVELS[dims]]})
    if any(lines[name].nunique() < 2 for name in dims):  # the only site of a client names nothing
        return np.full(len(lines), -1), pd.DataFrame({"level": []})
    grouped = lines.groupby(list(dims), sort=True, dropna=True)
    ids = grouped.ngroup().fillna(-1).to_numpy(np.int64)
    found = grouped.size().index.to_frame(index=False).assign(level=LEVELS[dims])
    return ids, found


def _parents(member: np.ndarray, cells: int) -> list[tuple[int, ...]]:
    """For each cell the next coarser cells: those to which one of its lines belongs at the levels one step up."""
    witness = np.zeros(cells, np.int64)
    for row in member:
        inside = row >= 0
        witness[row[inside]] = np.flatnonzero(inside)
    levels = list(LEVELS)
    coarser = {
        place: [other for other, named in enumerate(levels) if _is_step(named, dims)]
        for place, dims in enumerate(levels)
    }
    found: list[tuple[int, ...]] = [()] * cells
    for place, row in enumerate(member):
        for cell in np.unique(row[row >= 0]):
            above = [int(member[other][witness[cell]]) for other in coarser[place]]
            found[cell] = tuple(dict.fromkeys(max(0, parent) for parent in above))
    return found


def _steps(table: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    found = []
    for level in table["level"].unique()[1:]:
        rows = np.flatnonzero(table["level"] == level)
        parents = table["parents"].iloc[rows]
        most = parents.map(len).max()
        found.append((rows, np.array([of + of[-1:] * (most - len(of)) for of in parents])))
    return found


def _is_step(coarse: tuple[str, ...], fine: tuple[str, ...]) -> bool:
    if len(coarse) == len(fine):
        return "procedure" in fine and coarse == tuple("family" if name == "procedure" else name for name in fine)
    if fine == ("procedure",) and coarse == ():
        return False
    return len(coarse) == len(fine) - 1 and set(coarse) < set(fine)


def counts_of(lines: pd.DataFrame, cells: Cells, rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Count some of the lines (`rows`) by cell and month: claims, lines, expected cents, then the same of what was
    denied, by category."""
    months, size, kinds = len(cells.months), len(cells.table), len(cells.categories)
    part = lines.iloc[rows]
    month = part["month"].astype("int64").to_numpy() - (cells.months[0].ordinal if months else 0)
    claim = part.groupby("claim_id", sort=False).ngroup().to_numpy()
    kind = pd.Categorical(part["category"], cells.categories).codes.astype(np.int64)
    cents = part["expected_cents"].to_numpy(float)
    claims, count, money = (np.zeros(size * months) for _ in range(3))
    denied = [np.zeros(kinds * size * months) for _ in range(3)]
    many = int(claim.max(initial=0)) + 1
    for member in cells.member[:, rows]:
        inside = np.flatnonzero(member >= 0)
        at = member[inside] * months + month[inside]
        claims += np.bincount(pd.unique(at * many + claim[inside]) // many, minlength=len(claims))
        count += np.bincount(at, minlength=len(count))
        money += np.bincount(at, cents[inside], minlength=len(money))
        lost = inside[kind[inside] >= 0]
        place = kind[lost] * (size * months) + member[lost] * months + month[lost]
        denied[0] += np.bincount(pd.unique(place * many + claim[lost]) // many, minlength=len(denied[0]))
        denied[1] += np.bincount(place, minlength=len(denied[1]))
        denied[2] += np.bincount(place, cents[lost], minlength=len(denied[2]))
    flat = [array.reshape(size, months) for array in (claims, count, money)]
    return (*flat, *(array.reshape(kinds, size, months) for array in denied))


PRIOR_CLAIMS = (30.0, 3000.0)
"""How many claims of its own the rate of the next coarser cell is worth to a cell: at least, and at most."""
FEWEST_BEFORE = 6
"""So many months must come before the first month tested. In the first months of a record only the quick answers are
there, and less than half a year does not show what is usual."""
WORTH_A_LOOK = 0.01
MOST_MONTHS = 12
"""A change that is older than a year is not reported any more: it has become the usual rate."""
FEWEST_DENIED = 3
TAIL = 400
"""Terms of the upper tail that are added up. The tail starts above the mean, so that later terms add nothing."""


@dataclass
class Verdict:
    """What the test says of each category (first axis) and cell (second axis): the month in which a rise most likely
    began, the usual rate before it, the evidence for the rise (-ln p), and p times the number of months tried."""

    start: np.ndarray
    usual: np.ndarray
    evidence: np.ndarray
    p_value: np.ndarray

    def replace(self, kind: int, other: Verdict) -> None:
        """Replace the verdict on one category by a newer one."""
        for name in ("start", "usual", "evidence", "p_value"):
            getattr(self, name)[kind] = getattr(other, name)[0]


def judged(cells: Cells, last: int, kinds: Sequence[int]) -> Verdict:
    """Test every cell for a rise of denials in these categories, in months up to `last`."""
    kinds = list(kinds)
    shape = (len(kinds), len(cells.table))
    start, usual, best = np.full(shape, last), np.zeros(shape), np.zeros(shape)
    starts = range(max(FEWEST_BEFORE, last - MOST_MONTHS + 1), last + 1)
    for first in starts:
        rates, found = _evidence(cells, kinds, first, last)
        better = found > best
        start, usual, best = (
            np.where(better, first, start),
            np.where(better, rates, usual),
            np.where(better, found, best),
        )
    p_value = np.where(best > 0, np.minimum(1.0, np.exp(-best) * len(starts)), 1.0)
    return Verdict(start, usual, best, p_value)


def false_discoveries(cells: Cells, verdict: Verdict, last: int) -> np.ndarray:
    """The q of every category and cell, by weighted Benjamini-Hochberg over all cells with a decision in the months
    tested; the others have q 1.

    Formula
        p x levels x cells of the level / all cells, then Benjamini-Hochberg
    Counts
        Every level gets the same share of the false findings that are allowed. Otherwise the one test of the whole
        client would count for little beside hundreds of tests of a payer's codes, most of which have few lines.
    Source
        Genovese, Roeder and Wasserman, False discovery control with p-value weighting, Biometrika 93(3), 2006
    """
    from scipy import stats

    asked = cells.claims[:, max(0, last - MOST_MONTHS + 1) : last + 1].sum(1) > 0
    q_value = np.ones(verdict.p_value.shape)
    if q_value[:, asked].size:
        level = cells.table["level"][asked]
        price = level.map(level.value_counts()).to_numpy(float) * level.nunique() / len(level)
        weighted = np.minimum(1.0, verdict.p_value[:, asked] * price)
        q_value[:, asked] = stats.false_discovery_control(weighted.ravel()).reshape(len(q_value), -1)
    return q_value


def usual_line_rate(cells: Cells, kind: int, cell: int, start: int) -> float:
    """The share of a cell's lines (not claims) that was usually denied before the month `start`."""
    rates, _ = usual_rates(cells, cells.denied_lines[[kind], :, :start].sum(2), cells.lines[:, :start].sum(1))
    return float(rates[0, cell])


def usual_rates(cells: Cells, denied: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two tables by category and cell: the usual denial rate, and how many earlier claims it rests on.

    A cell with few claims of its own borrows from the next coarser cells. The number of claims it rests on counts
    its own and the borrowed ones, and never exceeds that of its coarser cells.

    Formula
        rate = (denied + m x prior) / (total + m)
        prior = the largest usual rate of the next coarser cells: what a payer or a code is known to deny anyway must
        not look like a rise in a cell that has few claims
        m = 1 / correlation - 1, from 30 to 3,000: the less the cells of a level differ from their priors, the more
        claims the prior is worth
        correlation = (sum of (denied - total x prior)^2 / sum of total x prior (1 - prior) - 1) / (mean total - 1)
    Source
        empirical Bayes by moments of the beta-binomial distribution
    """
    rates, strength = np.zeros(denied.shape), np.zeros(denied.shape)
    rates[:, 0] = (denied[:, 0] + 0.5) / (total[0] + 1)
    strength[:, 0] = total[0] + 1
    for rows, above in cells.steps:
        prior, most = rates[:, above].max(axis=2), strength[:, above].min(axis=2)
        chance = total[rows] * prior * (1 - prior)
        excess = ((denied[:, rows] - total[rows] * prior) ** 2).sum(1) / np.maximum(chance.sum(1), 1e-9) - 1
        size = (total[rows] * chance).sum(1) / np.maximum(chance.sum(1), 1e-9)
        correlation = np.clip(excess / np.maximum(size - 1, 1), 1e-9, 1)
        borrowed = np.clip(1 / correlation - 1, *PRIOR_CLAIMS)[:, None]
        rates[:, rows] = (denied[:, rows] + borrowed * prior) / (total[rows] + borrowed)
        strength[:, rows] = np.minimum(total[rows] + borrowed, most)
    return rates, strength


def _evidence(cells: Cells, kinds: list[int], first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Usual rates before `first`, and -ln of the chance of so many denials from `first` to `last`; 0 where there is no
    rise worth testing."""
    from scipy import special

    before, since = slice(0, first), slice(first, last + 1)
    total, past = cells.claims[:, before].sum(1), cells.denied_claims[kinds][:, :, before]
    rates, strength = usual_rates(cells, past.sum(2), total)
    asked, denied = cells.claims[:, since].sum(1), cells.denied_claims[kinds][:, :, since].sum(2)
    found = np.zeros(rates.shape)
    # The binomial tail is quick, and never above the exact one by more than it matters here.
    likely = special.bdtrc(np.maximum(denied - 1, 0), asked[None].astype(np.int64), rates) > WORTH_A_LOOK
    kind, cell = np.nonzero((denied >= FEWEST_DENIED) & ~likely & (denied > rates * asked))
    if len(kind):
        spread = overdispersion(past[:, 0], cells.claims[0, before])[kind] / (last + 1 - first)
        known = 1 / (1 / (strength[kind, cell] + 1) + spread) - 1
        found[kind, cell] = np.maximum(0, -log_tail(denied[kind, cell], asked[cell], rates[kind, cell], known))
    return rates, found


def overdispersion(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """How much more the monthly rates of each row vary than chance would have it, as the correlation between two
    claims of the same month.

    Formula
        (sigma_z^2 - 1) / (mean total - 1), not below 0; sigma_z = mean |z(i) - z(i-1)| / 1.128, as Laney has it
    """
    seen = totals > 0
    counts, totals = counts[:, seen], totals[seen]
    if len(totals) < 2:
        return np.zeros(len(counts))
    rate = counts.sum(1) / totals.sum()
    deviation = np.sqrt(np.clip(rate * (1 - rate), 1e-12, None)[:, None] / totals)
    sigma = np.abs(np.diff((counts / totals - rate[:, None]) / deviation, axis=1)).mean(1) / MEAN_RANGE_OF_TWO
    return np.maximum(0.0, (sigma**2 - 1) / max(1.0, totals.mean() - 1))


def log_tail(count: np.ndarray, total: np.ndarray, rate: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """The log of the chance that `count` or more of `total` claims are denied, at a rate that rests on `strength`
    claims.

    Formula
        upper tail of the beta-binomial distribution, a = rate x strength + 1/2, b = (1 - rate) x strength + 1/2, added
        up term by term; because of the halves (Jeffreys) even a rate of 0 so far is not taken for certain

    >>> f"{np.exp(log_tail(np.array([2.0]), np.array([2.0]), np.array([0.5]), np.array([1e9])))[0]:.4f}"
    '0.2500'
    """
    from scipy import special, stats

    steps = np.arange(int(min(TAIL, (total - count).max() + 1)))
    reached = count[:, None] + steps
    inside = reached <= total[:, None]
    a, b = (rate * strength + 0.5)[:, None], ((1 - rate) * strength + 0.5)[:, None]
    terms = stats.betabinom.logpmf(np.where(inside, reached, 0), total[:, None], a, b)
    return special.logsumexp(np.where(inside, terms, -np.inf), axis=1)
