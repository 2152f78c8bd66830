"""The menu of the client manager's book: ratings, fees, workload, meetings."""

from __future__ import annotations

from ..portfolio import book as portfolio
from ..portfolio import client_ratings
from .record import MONEY, Measure

MEASURES = (
    Measure(
        "client_ratings", client_ratings.client_ratings, "Client rating A to D", "rating", "words", "none", ("clients",)
    ),
    Measure(
        "fee_revenue",
        portfolio.fee_revenue,
        "Fee revenue",
        "fee_cents",
        "usd",
        "up",
        ("clients", "transactions"),
        is_additive=True,
    ),
    Measure(
        "fee_per_hour",
        portfolio.fee_per_hour,
        "Fee per hour",
        "fee_per_hour_cents",
        "usd",
        "up",
        ("clients", "transactions"),
    ),
    Measure(
        "trailing_collections",
        portfolio.trailing_collections,
        "Collections of the trailing months",
        "cash_cents",
        "usd",
        "up",
        MONEY,
    ),
    Measure(
        "level_fit",
        portfolio.level_fit,
        "Level of the account against the level assigned",
        "fit",
        "words",
        "none",
        ("clients",),
    ),
    Measure(
        "manager_workload",
        portfolio.manager_workload,
        "Workload of each client manager",
        "hours_per_week",
        "count",
        "none",
        ("clients",),
    ),
    Measure(
        "rating_matrix",
        portfolio.rating_matrix,
        "Clients and dollars by rating",
        "clients",
        "count",
        "none",
        ("clients",),
    ),
    Measure("movements", portfolio.movements, "What moved since last month", "change", "words", "none", ("clients",)),
    Measure(
        "meeting_calendar",
        portfolio.meeting_calendar,
        "Meetings of the period",
        "meets_on",
        "date",
        "none",
        ("clients",),
    ),
)
