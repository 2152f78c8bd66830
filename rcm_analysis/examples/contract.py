"""A small invented payer and code, small enough to check by hand: the examples of the contract measures compute on it.

Four claims a month, April to June 2026. The contract says $100.00; in June the payer allows $90.00. Or all twelve
were billed as a longer visit (99214, $140.00 by contract) and decided as the shorter one.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd

CONTRACT_CENTS, SHORT_CENTS, CHARGE_CENTS, LONGER_CENTS = 10000, 9000, 20000, 14000


def example_contract() -> dict[str, pd.DataFrame]:
    """The tables of the small payer, by name.

    >>> sorted(example_contract())
    ['claim_lines', 'claims', 'fee_schedules', 'payer_rules', 'remit_adjustments', 'remit_claims', 'remit_lines']
    """
    ids = [str(number) for number in range(12)]
    received = [dt.date(2026, 4 + number // 4, 2 + number % 4) for number in range(12)]
    served = [day - dt.timedelta(days=20) for day in received]
    allowed = [SHORT_CENTS if day.month == 6 else CONTRACT_CENTS for day in received]
    claim = {"client": "a", "claim_id": ids}
    line = claim | {"line_number": 1, "procedure": "99213", "modifiers": "", "units": 1.0, "charge_cents": CHARGE_CENTS}
    payment = claim | {
        "remit_claim_id": ids,
        "charge_cents": CHARGE_CENTS,
        "paid_cents": allowed,
        "received_on": received,
    }
    discount = [CHARGE_CENTS - cents for cents in allowed]
    rows = {
        "claims": claim
        | {"claim_type": "professional", "payer": "p", "service_on": served, "charge_cents": CHARGE_CENTS},
        "claim_lines": line | {"place_of_service": "11", "service_on": served},
        "remit_claims": payment | {"sequence": 1, "status": "1", "payer": "p", "payer_order": "primary"},
        "remit_lines": line | payment | {"remit_line_id": ids, "allowed_cents": allowed, "service_on": served},
        "remit_adjustments": payment
        | {"remit_line_id": ids, "group_code": "CO", "carc": "45", "amount_cents": discount, "remark_codes": ""},
        "fee_schedules": {
            "client": "a",
            "payer": "p",
            "procedure": "99213",
            "modifiers": "",
            "allowed_cents": [8000, CONTRACT_CENTS],
            "effective_from": [dt.date(2025, 1, 1), dt.date(2026, 1, 1)],
            "effective_to": [dt.date(2025, 12, 31), None],
        },
        "payer_rules": {
            "client": "a",
            "payer": "p",
            "effective_from": [dt.date(2025, 1, 1)],
            "effective_to": [None],
            "filing_limit_days": 90,
            "appeal_limit_days": 180,
            "secondary_filing_limit_days": 90,
        },
    }
    frames = {name: pd.DataFrame(columns) for name, columns in rows.items()}
    for frame in frames.values():
        days = [name for name in frame if name.endswith(("_on", "_from", "_to"))]
        frame[days] = frame[days].apply(pd.to_datetime)
    return frames


def example_recodes() -> dict[str, pd.DataFrame]:
    """The tables of the small payer when it decides twelve claims of 99214 as 99213, $40.00 a claim less.

    >>> example_recodes()["remit_lines"][["submitted_procedure", "procedure", "allowed_cents"]].values[0].tolist()
    ['99214', '99213', 10000]
    """
    tables = example_contract()
    paid = {"paid_cents": CONTRACT_CENTS}
    longer = tables["fee_schedules"].tail(1).assign(procedure="99214", allowed_cents=LONGER_CENTS)
    return tables | {
        "claims": tables["claims"].assign(provider="lee"),
        "claim_lines": tables["claim_lines"].assign(procedure="99214"),
        "remit_claims": tables["remit_claims"].assign(**paid),
        "remit_lines": tables["remit_lines"].assign(
            **paid, allowed_cents=CONTRACT_CENTS, submitted_procedure="99214", submitted_modifiers=None
        ),
        "remit_adjustments": tables["remit_adjustments"].assign(
            **paid, amount_cents=CHARGE_CENTS - CONTRACT_CENTS, remark_codes="N22"
        ),
        "fee_schedules": pd.concat([tables["fee_schedules"], longer], ignore_index=True),
    }
