"""A programme in which everything went as its plan says."""

from __future__ import annotations

import pandas as pd

from rcm_analysis.models.plan.assumptions import Assumptions, Scenario, example_assumptions
from rcm_analysis.models.plan.engine import LaggedScenario, run

PLAN = example_assumptions()
MONTHS = 12
BASE = Scenario("base", "Base")


def as_planned(
    case: Scenario | LaggedScenario = BASE, months: int = MONTHS, plan: Assumptions = PLAN
) -> dict[str, pd.DataFrame]:
    """Frames of a programme in which everything went as the plan under `case` says."""
    rows = {name: row[0, :months] for name, row in run(plan, [case]).items()}
    labels = plan.month_labels[:months]
    out: dict[str, list[dict]] = {
        "referrals": [],
        "outreach": [],
        "caseload": [],
        "billing": [],
        "payments": [],
        "expense": [],
    }
    for place, month in enumerate(labels):
        out["referrals"].append(
            {
                "month": month,
                "source": "all",
                "referrals": rows["referrals"][place] / 1000,
                "eligible": rows["eligible"][place] / 1000,
            }
        )
        out["outreach"].append(
            {"month": month, "reached": rows["reached"][place] / 1000, "enrolled": rows["agreed"][place] / 1000}
        )
        for level in plan.levels:
            out["caseload"].append(
                {
                    "month": month,
                    "coordinator": f"c-{level}",
                    "level": level,
                    "members": rows[f"members.{level}"][place] / 1000,
                    "contacts": 3,
                    "units": rows[f"units.{level}"][place] / 1000,
                }
            )
            out["billing"].append(
                {"month": month, "level": level, "billed": f"{rows[f'billed.{level}'][place] / 100:.2f}", "denied": 0}
            )
        for name in ("outreach", "assessment"):
            out["billing"].append(
                {"month": month, "level": name, "billed": f"{rows[f'billed.{name}'][place] / 100:.2f}", "denied": 0}
            )
        out["billing"][-1]["denied"] = f"{rows['denied'][place] / 100:.2f}"
        out["payments"].append({"service_month": month, "month": month, "paid": f"{rows['receipts'][place] / 100:.2f}"})
        out["expense"].append({"month": month, "expense": f"{rows['expense'][place] / 100:.2f}"})
    return {name: pd.DataFrame(found) for name, found in out.items()}
