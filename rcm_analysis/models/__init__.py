"""Models: how long payers take, what cash is to come, what is beyond chance, what to work next, what a programme costs.

`rcm.models.outlook(...)` is any of them by its name; `rcm.models.cash.<TAB>` lists those of one subject. Each is loaded
when it is first asked for, because the fits behind them are not cheap to import.
"""

from ..names import public

HOMES = {
    "cash": {
        "outlook": "next_months",
        "backtest": "past_months",
        "collectable_value": "collectable",
        "claim_ends": "payment_lag",
        "incidence_by": "payment_lag",
    },
    "detection": {
        "systemic_denials": "denial_shifts",
        "denial_history": "denial_shifts",
        "mix_shifts": "mixes",
        "charge_lag_creep": "process_shifts",
        "submission_outages": "process_shifts",
        "secondaries_stopped": "stalled_steps",
        "holds_risen": "stalled_steps",
    },
    "drivers": {"why": "explained"},
    "worklist": {
        "worklist": "ranking",
        "to_do": "ranking",
        "open_items": "items",
        "WorklistSettings": "settings",
        "read_people": "queues",
    },
    "patients": {
        "engagement_shifts": "rate_shifts",
        "review_loop": "engagement_effects",
        "retention": "waiting",
        "answer_time": "waiting",
        "time_to_default": "self_pay_survival",
        "default_shares": "self_pay_survival",
        "turnaround": "self_pay_survival",
    },
    "coordination": {
        "unbilled_contacts": "unbilled",
        "one_day_contacts": "unbilled",
        "step_waits": "waits",
        "months_on_their_way": "waits",
        "stopped_steps": "waits",
        "programme_outlook": "programme_cash",
        "measured_assumptions": "measured",
    },
    "plan": {
        "read_assumptions": "assumptions",
        "example_assumptions": "assumptions",
        "programme_plan": "programme",
        "working_capital": "programme",
        "unit_economics": "programme",
        "scenario_table": "scenarios",
        "tornado": "scenarios",
        "futures": "scenarios",
        "ways_out": "scenarios",
        "read_actuals": "actuals",
        "actuals_from_tables": "actuals",
        "variance": "results",
        "plan_json": "summary",
    },
    "statistics": {
        "cumulative_incidence": "estimators",
        "kaplan_meier": "estimators",
        "laney_chart": "control_charts",
        "change_point": "control_charts",
        "rate_history": "control_charts",
        "shrunk": "shrinkage",
    },
}
"""Subject -> what an analyst calls -> the module that holds it."""

__getattr__, __dir__ = public(
    __name__,
    {name: f"{subject}.{home}" for subject, names in HOMES.items() for name, home in names.items()}
    | {subject: subject for subject in HOMES},
)
