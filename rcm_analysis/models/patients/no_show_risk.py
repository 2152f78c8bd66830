"""Who is likely to miss an appointment: a risk from what is known at the booking and the patient's own past, told only
where months that it has not seen show it to be better than the plain table of rates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...ledger.ratios import quotient, ratio
from ...measures.engagement.appointments import appointment_rows
from ...periods import Period
from ...tables.frames import collect

TRAINED_MONTHS, HELD_OUT_MONTHS, FEWEST_MISSED = 12, 3, 50
PRIOR_SLOTS = 10.0
"""A cell, or a patient, with few slots of its own stands near the whole: as if ten more had been like the others."""
LEAST_Z = 1.64
"""The gain on the held-out slots is beyond chance: one in twenty."""
MOST_BIAS = 0.2
"""Calibrated: the no-shows foreseen on the held-out months are within a fifth of those that came."""
KEYS = ["client", "patient", "appointment_id", "visit_type", "lead"]


@dataclass(frozen=True)
class NoShowRisk:
    """The risk of each open appointment (`risks`; empty where it may not be told), and how it did where it was tried.

    trial: slots, missed, foreseen, and the mean log-losses of the model and of the rate table on the held-out months.
    """

    risks: pd.DataFrame
    trial: pd.Series
    is_better: bool
    reason: str


def no_show_risk(tables: Mapping[str, Any], *, as_of: dt.date, days: int = 14) -> NoShowRisk:
    """The risk that each appointment of the coming days is missed, if the risk is worth more than a table of rates.

    Formula
        rate table: the share missed by lead time and kind of visit, each cell drawn towards the whole with ten slots
        model: logit(risk) = a + b logit(rate of the table) + c (logit(patient's own share, drawn towards the whole) -
        logit(whole)); least log-loss on the twelve months before the held-out ones
        told where, on the last three months, its log-loss is below that of the table by more than 1.64 standard
        errors of the slots' differences, and the no-shows it foresaw are within a fifth of those that came; the model
        is then fitted once more on all months
    Counts
        Slots as `appointment_outcomes`; the patient's own share is of slots before that one's day. At
        least 50 no-shows in the months that it learns from.
    Unit
        risk, 0 to 1
    Empty
        No risks, and why, where it may not be told.
    Source
        our own; that one's own past and lead time matter most: PMC11149957
    """
    end = Period.of(as_of + dt.timedelta(days=1)).first_day
    months = Period(Period.of(end).shift(-TRAINED_MONTHS - HELD_OUT_MONTHS).first_day, end)
    ahead = Period(as_of + dt.timedelta(days=1), as_of + dt.timedelta(days=days + 1))
    past, coming = _slots(tables, months, "slots"), _slots(tables, ahead, "unsettled")
    cut = pd.Timestamp(Period.of(end).shift(-HELD_OUT_MONTHS).first_day)
    learned, tried = past[past["scheduled_on"] < cut], past[past["scheduled_on"] >= cut]
    nothing = coming.iloc[:0].assign(risk=pd.Series(dtype=float))
    if learned["missed"].sum() < FEWEST_MISSED or tried["missed"].sum() == 0:
        return NoShowRisk(nothing, pd.Series(dtype=float), False, "too few appointments were missed to learn from")
    trial = _trial(learned, tried, past)
    if trial["z"] <= LEAST_Z:
        reason = "on months it had not seen, the risk of single patients was no better than rates by lead time and kind"
    elif abs(trial["foreseen"] - trial["missed"]) > MOST_BIAS * trial["missed"]:
        reason = "on months it had not seen, the risk foresaw too many or too few missed appointments"
    else:
        fitted = _fitted(past, past)
        found = coming.assign(risk=fitted(coming)).sort_values(["risk", "appointment_id"], ascending=[False, True])
        return NoShowRisk(found.reset_index(drop=True), trial, True, "")
    return NoShowRisk(nothing, trial, False, reason)


def _slots(tables: Mapping[str, Any], period: Period, mark: str) -> pd.DataFrame:
    rows = appointment_rows(tables, period=period, by=["appointment_id", "visit_type", "lead"])
    rows = rows.select(*KEYS, "scheduled_on", "no_shows", mark)
    found = collect(rows, KEYS, dates=["scheduled_on"])
    return found[found[mark] == 1].rename(columns={"no_shows": "missed"}).sort_values("scheduled_on", kind="stable")


def _trial(learned: pd.DataFrame, tried: pd.DataFrame, past: pd.DataFrame) -> pd.Series:
    """How model and table did on slots that neither had seen; the patients' own past grows as it would have."""
    model, table = _fitted(learned, past)(tried), _table(learned)(tried)
    missed = tried["missed"].to_numpy()
    gain = _loss(table, missed) - _loss(model, missed)
    spread = gain.std(ddof=1) * len(gain) ** -0.5
    return pd.Series(
        {
            "slots": len(tried),
            "missed": int(missed.sum()),
            "foreseen": float(model.sum()),
            "model_loss": float(_loss(model, missed).mean()),
            "table_loss": float(_loss(table, missed).mean()),
            "z": ratio(gain.mean(), spread),
        }
    )


def _loss(chance: np.ndarray, missed: np.ndarray) -> np.ndarray:
    found: np.ndarray = -np.log(np.where(missed == 1, chance, 1 - chance))
    return found


def _table(learned: pd.DataFrame) -> Any:
    """The plain table: the share missed by lead time and kind of visit, drawn towards the whole."""
    whole = learned["missed"].mean()
    cells = learned.groupby(["lead", "visit_type"])["missed"].agg(["sum", "count"])
    rates = quotient(cells["sum"] + PRIOR_SLOTS * whole, cells["count"] + PRIOR_SLOTS).to_dict()
    return lambda rows: np.array(
        [rates.get(cell, whole) for cell in zip(rows["lead"], rows["visit_type"], strict=True)]
    )


def _fitted(learned: pd.DataFrame, past: pd.DataFrame) -> Any:
    """The model fitted on the slots learned from, as a function of other slots; `past` is what patients did before."""
    whole, table = learned["missed"].mean(), _table(learned)

    def drivers(rows: pd.DataFrame) -> np.ndarray:
        own = _own_share(rows, past, whole)
        return np.column_stack([np.ones(len(rows)), _logit(table(rows)), _logit(own) - _logit(whole)])

    weights = _logistic(drivers(learned), learned["missed"].to_numpy(float))
    return lambda rows: _chance(drivers(rows) @ weights)


def _own_share(rows: pd.DataFrame, past: pd.DataFrame, whole: float) -> np.ndarray:
    """The patient's share missed of slots on days before this one's, drawn towards the whole."""
    daily = past.groupby(["client", "patient", "scheduled_on"], as_index=False)["missed"].agg(["sum", "count"])
    daily = daily.sort_values("scheduled_on", kind="stable")
    daily[["sum", "count"]] = daily.groupby(["client", "patient"])[["sum", "count"]].cumsum()
    keyed = rows.assign(place=range(len(rows))).sort_values("scheduled_on", kind="stable")
    before = pd.merge_asof(
        keyed, daily, on="scheduled_on", by=["client", "patient"], direction="backward", allow_exact_matches=False
    )
    before = before.sort_values("place")[["sum", "count"]].fillna(0)
    return quotient(before["sum"] + PRIOR_SLOTS * whole, before["count"] + PRIOR_SLOTS).to_numpy(float)


def _logistic(drivers: np.ndarray, missed: np.ndarray, rounds: int = 50) -> np.ndarray:
    """The weights of least log-loss, by Newton's method, with a ridge of one slot that keeps them finite."""
    weights = np.zeros(drivers.shape[1])
    for _ in range(rounds):
        chance = _chance(drivers @ weights)
        slope = drivers.T @ (missed - chance) - weights
        curve = (drivers * (chance * (1 - chance))[:, None]).T @ drivers + np.eye(len(weights))
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _logit(chance: Any) -> Any:
    return np.log(chance) - np.log1p(-np.asarray(chance))


def _chance(scores: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(-np.logaddexp(0.0, -scores))
    return found
