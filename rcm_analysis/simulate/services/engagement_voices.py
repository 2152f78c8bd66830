"""What patients say: surveys with fixed items, and coded feedback with the time it took to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ...tables import schema_services as services
from .rows import day_or_never, only_where

if TYPE_CHECKING:
    from .engagement import Office

THEMES = {
    "complaint": {
        "access": 24,
        "waiting": 20,
        "billing": 18,
        "communication": 16,
        "staff": 10,
        "clinical": 5,
        "facility": 4,
        "other": 3,
    },
    "compliment": {"staff": 50, "clinical": 30, "communication": 20},
}


def voices(office: Office, kept: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Surveys, their answers, and feedback, all drawn from kept appointments."""
    visit = kept["claim_id"].str.extract(r"(\d+)$").cast(pl.Int64).to_numpy()
    day = kept["scheduled_on"].to_physical().cast(pl.Int64).to_numpy()
    luck = office.luck("surveys")
    asked = luck.uniform("asked", visit) < 0.35
    return {
        **_surveys(office, kept.filter(pl.Series(asked)), visit[asked], day[asked]),
        "feedback": _feedback(office, kept, visit, day),
    }


def _surveys(office: Office, visits: pl.DataFrame, visit: np.ndarray, day: np.ndarray) -> dict[str, pl.DataFrame]:
    luck = office.luck("answers")
    sent = day + 2
    answered = day_or_never(luck.uniform("answers", visit) < 0.28, sent + luck.between("wait", 0, 15, visit))
    ids = np.array([f"SV{number:07d}" for number in visit.tolist()], dtype=str)
    surveys = office.rows(
        services.SURVEYS,
        {
            "survey_id": ids,
            "patient": visits["patient"],
            "appointment_id": visits["appointment_id"],
            "location": visits["location"],
            "sent_on": sent,
            "answered_on": answered,
        },
    )
    rows = np.flatnonzero(answered <= office.last)
    count, items = len(rows), services.SURVEY_ITEMS
    owner, place = np.repeat(rows, len(items)), np.tile(np.arange(len(items)), count)
    mood = luck.normal("mood", visit)[owner] + 0.6 * luck.normal("item", visit[owner], place)
    low = np.searchsorted([-2.1, -1.35, -0.45], mood) + 1
    ten = np.searchsorted([-2.6, -2.4, -2.2, -2.0, -1.8, -1.55, -1.3, -0.9, -0.4, 0.25], mood)
    score = np.where(place < 5, low, ten)
    skipped = luck.uniform("skipped", visit[owner], place) < 0.04
    return {
        "surveys": surveys,
        "survey_answers": office.rows(
            services.SURVEY_ANSWERS,
            {
                "survey_id": ids[owner],
                "item": np.array(items)[place],
                "answered_on": answered[owner],
                "score": only_where(~skipped, score),
            },
        ),
    }


def _feedback(office: Office, kept: pl.DataFrame, visit: np.ndarray, day: np.ndarray) -> pl.DataFrame:
    luck = office.luck("feedback")
    rows = np.flatnonzero(luck.uniform("speaks", visit) < 0.013)
    visits, key = kept[rows.tolist()], visit[rows]
    kind = luck.word("kind", {"complaint": 66, "compliment": 22, "suggestion": 12}, key)
    theme = np.where(
        kind == "compliment",
        luck.word("praise", THEMES["compliment"], key),
        luck.word("theme", THEMES["complaint"], key),
    )
    received = day[rows] + luck.between("received", 0, 12, key)
    wait = np.maximum(1, np.rint(np.exp(1.5 + 0.8 * luck.normal("wait", key)))).astype(np.int64)
    named = luck.uniform("named", key) < 0.8
    return office.rows(
        services.FEEDBACK,
        {
            "feedback_id": [f"FB{number:07d}" for number in key.tolist()],
            "patient": only_where(named, visits["patient"]),
            "received_on": received,
            "kind": kind,
            "theme": theme,
            "location": visits["location"],
            "responded_on": day_or_never(luck.uniform("answered", key) < 0.9, received + wait),
            "outcome": luck.word("outcome", {"explained": 5, "corrected": 3, "changed": 1, "none": 1}, key),
        },
    )
