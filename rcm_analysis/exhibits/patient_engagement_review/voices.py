"""What patients say, on paper: survey items with intervals, recommendation, complaints and how soon they are
answered."""

from __future__ import annotations

from ..blocks import Block, note
from ..formats import as_text, is_empty, sentence, words_of
from ..pages import page
from ..tables import Shown
from .facts import Facts
from .published import title_of
from .small import known, parts_of, said, show_guarded

ITEMS = {
    "got_appointment_when_needed": "Got an appointment when needed",
    "provider_listened": "Provider listened",
    "provider_explained": "Provider explained",
    "respect_shown": "Respect was shown",
    "staff_helpful": "Staff were helpful",
    "rating": "Rating of the practice (9 or 10)",
    "would_recommend": "Would recommend (9 or 10)",
}


@page
def satisfaction(facts: Facts) -> list[Block]:
    """Items with n and interval, then the net promoter score."""
    if facts.items.empty:
        return [note(f"No answered survey is on file from {title_of(facts.quarter)}.")]
    shown = facts.items.assign(item=[ITEMS.get(item, sentence(words_of(item))) for item in facts.items["item"]])
    notes = [
        (
            f"{said(facts.response, 'answered')} of {said(facts.response, 'sent')} surveys sent in the three months "
            f"were answered by their end ({said(facts.response, 'response_rate', 'rate')})."
        )
    ]
    score = facts.promoter
    if known(score, "net_promoter"):
        notes.append(
            f"Net promoter score {_points(score['net_promoter'])} (between {_points(score['low'])} and "
            f"{_points(score['high'])}), {said(score, 'answers')} answers: those who "
            "gave 9 or 10 less those who gave 0 to 6, in points of a hundred."
        )
    elif score["answers"] is not None and not is_empty(score["answers"]) and score["answers"]:
        notes.append("The net promoter score is not shown: it would give away a small number.")
    return [
        show_guarded(
            shown,
            [
                Shown("item", "Item"),
                Shown("answers", "Answers", "count"),
                Shown("top_box", "Best answer", "count"),
                Shown("top_box_share", "Share", "rate"),
                Shown("low", "Low", "rate"),
                Shown("high", "High", "rate"),
            ],
            name="satisfaction",
            title=f"Best answers by item, {title_of(facts.quarter)}",
            notes=notes,
            definition=(
                "By day of the answer; items in fixed words; best answer: 4 of 4, or 9 and 10 of 10. Low "
                "and high: 95% interval."
            ),
        )
    ]


def _points(share: float) -> str:
    return as_text(share * 100, "count")


@page
def feedback(facts: Facts) -> list[Block]:
    """Complaints by theme, and the time to their answer."""
    if facts.themes.empty:
        return [note(f"No complaint is on file from {title_of(facts.half_year)}, nor of the half-year before.")]
    shown = facts.themes.assign(
        theme=[sentence(words_of(theme)) if theme != "(all)" else theme for theme in facts.themes["theme"]]
    )
    row, waits = facts.answered, facts.waits
    parts = parts_of(shown, "theme")
    if len(parts) > 1 and not (parts[["entries", "before"]].fillna(0) > 0).to_numpy().any():
        shown = shown[shown["theme"] == "(all)"].reset_index(drop=True)
        notes = ["No theme has enough complaints to be shown by itself."]
    else:
        notes = []
    if not is_empty(row["due"]) and row["due"]:
        notes.append(
            f"Answered within a week: {said(row, 'in_time')} of {said(row, 'due')} "
            f"({said(row, 'in_time_share', 'rate')})."
        )
    if not is_empty(waits["median_days"]):
        notes.append(
            f"Half were answered by day {as_text(waits['median_days'], 'count')}"
            + (f", nine in ten by day {as_text(waits['p90_days'], 'count')}" if not is_empty(waits["p90_days"]) else "")
            + "; complaints still open count as waiting."
        )
    return [
        show_guarded(
            shown,
            [
                Shown("theme", "Theme"),
                Shown("entries", "Complaints", "count"),
                Shown("share", "Share", "rate"),
                Shown("before", "Half-year before", "count"),
            ],
            name="complaints",
            title=f"Complaints by theme, {title_of(facts.half_year)}",
            notes=notes,
            definition=(
                "Complaints by the day they came in, one coded theme each. What patients wrote is not "
                "kept and not printed."
            ),
        )
    ]
