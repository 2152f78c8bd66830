"""What an open item would bring if worked now, and if nobody touched it: from the client's own history.

    chance_to_pay    chance that the expected amount comes when the item is worked now
    by_itself        chance that it comes when nobody touches it
    uplift           the share of `chance_to_pay` that is due to the work: 1 - by_itself / chance_to_pay

How payers answer, and how patients pay, are Aalen-Johansen curves given the age the item has. How often a
denial is overturned is counted by category. Small numbers are drawn towards the payers together, or
towards the stated shares of `WorklistSettings`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from ...ledger.adjudications import DENIED
from ...ledger.balances import responsible_since
from ...measures.payers.contract import lesser_of_charge, with_contract_price
from ...measures.receivable.sending import paid_by_insurers
from ...tables.frames import source
from ..cash.payment_lag import incidence_by
from .items import ITEM, KEY, LOST, PATIENT, REWORK, WON, Decisions, read
from .settings import WorklistSettings

ANSWERED = ("unpaid_rest", "left_to_patient")
MATURE_DAYS = 120
"""A denial nobody touched for so long will not be: what came of it counts as what comes by itself."""


class IncidenceCurves:
    """Incidence tables of groups, asked at many ages at once: what is still to come for those open at an age.

    >>> ends = pd.DataFrame({"stream": ["a"] * 4, "days": [10, 20, 30, 30], "end": ["paid", "denied", "paid", "open"]})
    >>> paid, left = IncidenceCurves(ends).given_open(pd.Series(["a", "?"]), pd.Series([15, 0]))
    >>> [float(share) for share in paid.round(3)], [float(share) for share in left.round(3)]
    ([0.333, 0.5], [0.333, 0.25])
    """

    def __init__(self, ends: pd.DataFrame) -> None:
        self._tables: dict[str, pd.DataFrame] = {}
        ends = ends.reset_index(drop=True)
        if len(ends):
            self._tables = {str(name): table for name, table in incidence_by(ends, by=("stream",)).groupby("stream")}
            self._tables[""] = incidence_by(ends, by=())

    def given_open(self, group: pd.Series, age: pd.Series) -> tuple[np.ndarray, np.ndarray]:
        """Of what is open at the age: the share paid later, and the share that never ends (0 and 1 where nothing is
        known).

        Formula
            paid later = (paid(end) - paid(age)) / open(age); never = open(end) / open(age)
        """
        return self.given_open_and_left(group, age)[:2]

    def given_open_and_left(self, group: pd.Series, age: pd.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `given_open`, and the share that leaves for the third end (written_off) later."""
        paid, never, left = np.zeros(len(age)), np.ones(len(age)), np.zeros(len(age))
        for name, rows in self._rows(group):
            table = self._tables[name]
            days = np.minimum(age.to_numpy()[rows], len(table) - 1).astype(int)
            arrays = {column: table[column].to_numpy() for column in ("paid", "open", "written_off")}
            still = arrays["open"][days]
            known = still > 1e-9
            of = np.where(known, still, 1)
            paid[rows] = np.where(known, (arrays["paid"][-1] - arrays["paid"][days]) / of, 0.0)
            left[rows] = np.where(known, (arrays["written_off"][-1] - arrays["written_off"][days]) / of, 0.0)
            never[rows] = np.where(known, arrays["open"][-1] / of, 1.0)
        return paid, never, left

    def paid_share(self, group: pd.Series, otherwise: float) -> np.ndarray:
        """The share paid in the end of a new claim."""
        out = np.full(len(group), otherwise)
        for name, rows in self._rows(group):
            out[rows] = self._tables[name]["paid"].iloc[-1]
        return out

    def days_until(self, group: pd.Series, share: float, otherwise: int) -> np.ndarray:
        """The first day by which `share` of all that ends at all has ended."""
        out = np.full(len(group), float(otherwise))
        for name, rows in self._rows(group):
            ended = 1 - self._tables[name]["open"].to_numpy()
            if ended[-1] > 0:
                out[rows] = int(np.argmax(ended >= share * ended[-1] - 1e-12))
        return out

    def _rows(self, group: pd.Series) -> list[tuple[str, np.ndarray]]:
        if not self._tables:
            return []
        names = group.map(lambda name: name if name in self._tables else "").to_numpy()
        return [(name, np.flatnonzero(names == name)) for name in np.unique(names)]


def answer_curves(
    tables: Mapping[str, Any], history: Decisions, *, as_of: dt.date, settings: WorklistSettings
) -> IncidenceCurves:
    """Days from the first bill to the first decision, by payer and whether it is the first payer or a later one.

    Counts
        Claims sent within `history_days`; those not answered count as open at their age. A crossover starts with
        the primary's decision. paid: the decision is not a full denial. Of a client without any bill on file, claims
        count from their entry, and an insurer's first posted payment answers them where no remittance does.
    """
    return IncidenceCurves(answer_rows(tables, history, as_of=as_of, settings=settings))


def answer_rows(
    tables: Mapping[str, Any], history: Decisions, *, as_of: dt.date, settings: WorklistSettings
) -> pd.DataFrame:
    """The rows behind `answer_curves`: a claim and payer each, with start_on, received_on, days, end and stream."""
    sent = source(tables, "submissions", [*KEY, "payer", "payer_order", "submitted_on", "frequency"])
    sent = sent.filter(nw.col("submitted_on") <= as_of, nw.col("frequency").fill_null("1") != "8")
    rows = read(sent.group_by(*KEY, "payer", "payer_order").agg(nw.col("submitted_on").min().alias("start_on"))).rename(
        columns={"payer_order": "party"}
    )
    first = history.first[[*ITEM, "payer", "received_on", "outcome"]]
    crossed = history.first.loc[history.first["remit_status"] == "19", [*KEY, "received_on"]].rename(
        columns={"received_on": "start_on"}
    )
    over = first[first["party"] == "secondary"].merge(crossed, on=KEY)[[*KEY, "payer", "party", "start_on"]]
    entered, posted = _entered_and_posted(tables, rows["client"], as_of)
    first = pd.concat([first, *posted], ignore_index=True).drop_duplicates(ITEM)
    rows = (
        pd.concat([rows, over, *entered], ignore_index=True)
        .drop_duplicates(ITEM)
        .merge(first.drop(columns="payer"), on=ITEM, how="left")
    )
    today = pd.Timestamp(as_of)
    rows["days"] = (rows["received_on"].fillna(today) - rows["start_on"]).dt.days
    rows = rows[(rows["days"] >= 0) & (rows["start_on"] > today - pd.Timedelta(days=settings.history_days))]
    rows["end"] = np.select([rows["received_on"].isna(), rows["outcome"] == "fully_denied"], ["open", "denied"], "paid")
    rows["stream"] = answer_group(rows)
    return rows.reset_index(drop=True)


def _entered_and_posted(
    tables: Mapping[str, Any], billed: pd.Series, as_of: dt.date
) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """Of clients without bills on file: their claims by entry, and the first payment of an insurer on each."""
    claims = source(tables, "claims", [*KEY, "payer", "entered_on"]).filter(
        nw.col("entered_on") <= as_of, nw.col("payer") != "self_pay", ~nw.col("client").is_in(sorted(set(billed)))
    )
    entered = read(claims).rename(columns={"entered_on": "start_on"}).assign(party="primary")
    paid = paid_by_insurers(tables, as_of=as_of)
    if entered.empty or paid is None:
        return [], []
    first = read(paid.group_by(*ITEM).agg(received_on=nw.col("posted_on").min()))
    return [entered], [first.merge(entered[ITEM], on=ITEM).assign(outcome="paid")]


def answer_group(rows: pd.DataFrame) -> pd.Series:
    """The group of a row in `answer_curves`: its payer, and whether that is the first one."""
    return rows["payer"].fillna("") + np.where(rows["party"] == "primary", "", ", later")


def patient_curves(tables: Mapping[str, Any], *, as_of: dt.date, settings: WorklistSettings) -> IncidenceCurves:
    """Days from the day a patient owes to the first payment, for insured patients and those who pay themselves.

    Counts
        Claims whose patient became responsible within `history_days`. written_off: nothing paid since, nothing owed any
        more.
    """
    since = responsible_since(tables, as_of=as_of).filter(nw.col("party") == PATIENT)
    posted = source(tables, "transactions", [*ITEM, "kind", "amount_cents", "posted_on"])
    posted = posted.filter(nw.col("posted_on") <= as_of, nw.col("party") == PATIENT).join(since.drop("party"), on=KEY)
    is_paid = (nw.col("kind") == "payment") & (nw.col("amount_cents") < 0) & (nw.col("posted_on") >= nw.col("since_on"))
    posted = posted.with_columns(paid_on=nw.when(is_paid).then(nw.col("posted_on")).otherwise(None))
    sums = posted.group_by(*KEY).agg(
        nw.col("amount_cents").sum().alias("balance_cents"),
        nw.col("paid_on").min(),
        nw.col("posted_on").max().alias("last_on"),
        nw.col("since_on").min(),
    )
    rows = read(sums.join(source(tables, "claims", [*KEY, "payer"]), on=KEY, how="left"))
    today = pd.Timestamp(as_of)
    rows = rows[rows["since_on"] > today - pd.Timedelta(days=settings.history_days)]
    closed = rows["balance_cents"] <= 0
    rows["end"] = np.select([rows["paid_on"].notna(), closed], ["paid", "written_off"], "open")
    ended = rows["paid_on"].fillna(rows["last_on"].where(closed, today))
    rows["days"] = (ended - rows["since_on"]).dt.days.clip(lower=0)
    rows["stream"] = np.where(rows["payer"] == "self_pay", "self_pay", "insured")
    return IncidenceCurves(rows)


def overturn_rates(history: Decisions, *, as_of: dt.date, settings: WorklistSettings) -> tuple[pd.DataFrame, float]:
    """Of worked denials the share paid in the end, by category, and of untouched ones the share paid all the same.

    Formula
        rate = (overturned + default_claims x stated share) / (worked and answered + default_claims)
    Counts
        First decisions that deny, within `history_days`. worked: a corrected claim, appeal or resubmission noted since.
        overturned: noted as overturned or paid, or a later decision that pays more; lost: noted as upheld or
        denied, or a later decision that denies. Unanswered ones are left out.
    Shape
        category, worked, overturned, rate; and a number
    """
    since = pd.Timestamp(as_of) - pd.Timedelta(days=settings.history_days)
    first = history.first[history.first["outcome"].isin(DENIED) & (history.first["received_on"] > since)]
    notes = history.notes[history.notes["action"].isin(REWORK)]
    rows = first[[*ITEM, "received_on", "paid_cents", "category"]].merge(
        _rework_results(first, notes), on=ITEM, how="left"
    )
    later = (
        history.all[history.all["turn"] > 1]
        .groupby(ITEM)
        .agg(later_paid=("paid_cents", "max"), later=("turn", "size"))
        .reset_index()
    )
    rows = rows.merge(later, on=ITEM, how="left")
    more = rows["later_paid"] > rows["paid_cents"]
    worked = rows["worked"].eq(True)
    won = worked & (rows["won"].eq(True) | more)
    lost = worked & ~won & (rows["lost"].eq(True) | rows["later"].notna())
    counted = pd.DataFrame(
        {"category": rows["category"].fillna("administrative"), "overturned": won, "worked": won | lost}
    )
    out = counted.groupby("category")[["worked", "overturned"]].sum().astype("int64")
    out = out.reindex(sorted({*out.index, *settings.overturned}), fill_value=0)
    stated = out.index.map(lambda name: settings.overturned.get(name, settings.other_share)).to_numpy(dtype=float)
    out["rate"] = (out["overturned"] + settings.default_claims * stated) / (out["worked"] + settings.default_claims)
    alone = rows[~worked & (rows["received_on"] <= pd.Timestamp(as_of) - pd.Timedelta(days=MATURE_DAYS))]
    paid_alone = int((alone["later_paid"] > alone["paid_cents"]).sum())
    by_itself = (paid_alone + settings.default_claims * settings.alone_share) / (len(alone) + settings.default_claims)
    return out.rename_axis("category").reset_index(), float(by_itself)


def _rework_results(first: pd.DataFrame, notes: pd.DataFrame) -> pd.DataFrame:
    both = first[[*ITEM, "received_on"]].merge(notes[[*KEY, "worked_on", "outcome"]], on=KEY)
    both = both[both["worked_on"] >= both["received_on"]]
    both = both.assign(won=both["outcome"].isin(WON), lost=both["outcome"].isin(LOST), worked=True)
    return both.groupby(ITEM)[["worked", "won", "lost"]].any().reset_index()


def expected_cents(
    items: pd.DataFrame, tables: Mapping[str, Any], history: Decisions, *, settings: WorklistSettings
) -> pd.Series:
    """What the open balance of each item is worth by contract, never more than the balance.

    Formula
        claims not adjusted yet, and denied parts: open_cents x allowed share of the charge
            allowed share = min(fee schedule x units, charge) / charge where every line has a price in force, else
            the payer's allowed / charge on its paid claims, drawn towards all payers' by `default_claims` claims
        what a payer left over (secondary, patient, a rest after adjustment): open_cents; paid short: short_cents
    Unit
        cents, a number with fractions
    """
    paid = history.all[
        (history.all["outcome"] == "paid") & (history.all["party"] == "primary") & (history.all["charge_cents"] > 0)
    ]
    sums = paid.groupby("payer")[["allowed_cents", "charge_cents"]].sum()
    charge = paid["charge_cents"].sum()
    overall = paid["allowed_cents"].sum() / charge if charge > 0 else 1.0
    weight = settings.default_claims * (charge / max(len(paid), 1))
    shares = (sums["allowed_cents"] + weight * overall) / (sums["charge_cents"] + weight)
    share = items["payer"].map(shares).fillna(overall).astype(float)
    wanted = items[items["party"] == "primary"][KEY].drop_duplicates()
    share = _contract_share(items, wanted, tables).fillna(share).clip(0, 1)
    gross = (items["party"] == "primary") & (
        ~items["status"].isin(ANSWERED) | (items["open_cents"] >= items["charge_cents"])
    )
    return (items["open_cents"] * share.where(gross, 1.0)).where(items["status"] != "underpaid", items["short_cents"])


def _contract_share(items: pd.DataFrame, wanted: pd.DataFrame, tables: Mapping[str, Any]) -> pd.Series:
    if wanted.empty:
        return pd.Series(np.nan, index=items.index)
    claims = source(tables, "claims", [*KEY, "payer"]).filter(
        nw.col("claim_id").is_in(wanted["claim_id"].unique().tolist())
    )
    line = [*KEY, "line_number"]
    lines = source(
        tables, "claim_lines", [*line, "procedure", "modifiers", "units", "service_on", "charge_cents"]
    ).join(claims, on=KEY)
    lines = lines.with_columns(nw.col("modifiers").fill_null(""), nw.col("units").fill_null(1.0))
    priced = with_contract_price(lines, tables, key=line, plain=True).with_columns(
        is_priced=nw.when(nw.col("price_cents").is_null()).then(0).otherwise(1),
        line_cents=lesser_of_charge(nw.col("price_cents")),
    )
    sums = priced.group_by(*KEY).agg(
        nw.len().alias("lines"),
        nw.col("is_priced").sum(),
        nw.col("line_cents").sum(),
        nw.col("charge_cents").sum().alias("lines_cents"),
    )
    found = items[KEY].merge(read(sums), on=KEY, how="left")
    whole = (found["lines"] == found["is_priced"]) & (found["lines_cents"] > 0)
    return (found["line_cents"] / found["lines_cents"].where(whole)).astype(float).set_axis(items.index)
