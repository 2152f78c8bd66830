"""What is planted in the simulated company: kinds of problem, one planted item, and who gets which.

A plant starts on a day, has a size and a scope, and belongs to one client. `write_company` plants the
fixed list of seed_company.toml; `write_clients` draws plants for every client from the seed, and leaves
about a third of them quiet. Nothing else in the simulation knows what a problem is: every random draw
belongs to a claim, so that the same claim meets the same fate with and without the plant.

The truth on disk. `truth/<client>.json` (other domains: `truth/<client>.<domain>.json`), an object with
`client` and `plants` (a list, empty for a quiet client), and the sums that earlier issues wrote there.
One plant:

| key | holds |
|---|---|
| `id` | `<client>/<kind>/<number>`, unique |
| `kind` | a key of `PLANT_KINDS` |
| `client` | client id |
| `is_problem` | false for a change that must not be called a problem (`rate_cut`) |
| `start`, `end` | first day, and last day or null while it goes on (ISO) |
| `start_basis` | what the days are days of: service, entry, sent, decided or posted |
| `size`, `size_unit` | how much: `share of claims in scope`, `share of the allowed amount`, `days a month`, ... |
| `scope` | `payer` (id), `procedures` (list), `location`, `provider` (as exported), `category` (of the denials it makes); null where it holds for all |
| `amount_means` | what `amount_cents` counts, in words |
| `claims_count`, `amount_cents` | claims touched and dollars over expectation, visible by the last day simulated |
| `first_seen` | day on which its first row can be seen in the raw files; null if none can |
| `months` | list of `{month, claims_count, amount_cents}`, by the month in which a row can be seen |
| `rows` | list of `[claim_id, line_number or null, known_on, amount_cents]`: what it touched |
| `files` | raw files that would not be there without it (`duplicated_remit`) |

Read it with `simulate.read_truth(folder)`: frames of plants, rows and months, and the quiet clients.
"""  # noqa: E501

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class PlantKind:
    """One kind of planted item: what its days, its size and its dollars mean."""

    title: str
    basis: str
    size_unit: str
    amount_means: str
    is_problem: bool = True
    category: str | None = None


_SHARE = "share of claims in scope"
PLANT_KINDS: dict[str, PlantKind] = {
    "authorization_denials": PlantKind(
        "a payer starts to deny a code family for authorization",
        "decided",
        _SHARE,
        "contract amount of the lines denied at first decision",
        category="authorization",
    ),
    "documentation_denials": PlantKind(
        "a location stops attaching documentation",
        "service",
        _SHARE,
        "contract amount of the lines denied at first decision",
        category="documentation",
    ),
    "eligibility_denials": PlantKind(
        "a front desk stops checking eligibility",
        "service",
        _SHARE,
        "contract amount of the lines denied at first decision",
        category="eligibility",
    ),
    "underpayment": PlantKind(
        "a payer allows less than its contract for some codes",
        "decided",
        "share of the allowed amount",
        "allowed amount short of the contract when the line was first priced short (takebacks left out)",
    ),
    "rate_cut": PlantKind(
        "a payer lowers its fee schedule: no underpayment",
        "service",
        "share of the allowed amount",
        "allowed amount less than under the old schedule",
        is_problem=False,
    ),
    "bundling_edit": PlantKind(
        "a payer starts to bundle one code into another by a published edit: lawful",
        "decided",
        _SHARE,
        "contract amount of the lines bundled",
        is_problem=False,
        category="bundling",
    ),
    "payer_succeeded": PlantKind(
        "a payer is renamed, or merges into another: its patients' claims go there",
        "service",
        _SHARE,
        "nothing",
        is_problem=False,
    ),
    "secondary_not_billed": PlantKind(
        "claims are no longer sent to the secondary payer",
        "decided",
        _SHARE,
        "patient responsibility of the primary decision, from the day the secondary should have been billed",
    ),
    "document_holds": PlantKind(
        "claims wait unsent for documents of the client", "entry", _SHARE, "billed charge of the claims held"
    ),
    "charge_lag_creep": PlantKind(
        "charges are entered later every month", "service", "days a month", "billed charge of the claims entered late"
    ),
    "clearinghouse_outage": PlantKind(
        "no claim leaves for a week", "sent", "days", "billed charge of the claims that left late"
    ),
    "denials_as_contractual": PlantKind(
        "denials are posted as contractual adjustments and never worked",
        "decided",
        "share of denials",
        "denied charge posted away as contractual",
    ),
    "whole_dollar_sweep": PlantKind(
        "old denied balances are swept away in whole dollars at the month's end",
        "posted",
        "share of write-offs",
        "whole-dollar amounts written off",
    ),
    "duplicated_remit": PlantKind(
        "a remittance file is delivered twice", "decided", "files", "paid amount of the claims in the second copy"
    ),
    "patient_billed_for_denials": PlantKind(
        "balances denied as the provider's (CO) are billed to patients",
        "decided",
        "share of denials",
        "denied charge moved to the patient",
    ),
}
"""Every kind that the claims simulation can plant. Other domains add theirs in their own files."""

DENIALS = ("authorization_denials", "documentation_denials", "eligibility_denials")


@dataclass(frozen=True)
class Scope:
    """For whom a plant holds; empty means for all."""

    payer: str | None = None
    procedures: tuple[str, ...] = ()
    location: int | None = None
    provider: int | None = None


@dataclass(frozen=True)
class Plant:
    """One planted item of one client. Days are days since 1970-01-01; `end` is the last day, if any."""

    id: str
    kind: str
    client: str
    start: int
    size: float
    scope: Scope = Scope()
    end: int | None = None
    share: float = 1.0
    """The share of the lines in scope that it strikes, where `size` says by how much."""

    def holds(self, days: np.ndarray) -> np.ndarray:
        """Which of the days fall into the time of the plant."""
        return (days >= self.start) & (days <= (self.end if self.end is not None else 10**8))


NO_LINE = -1


class PlantLog:
    """The planted items of one client, and a record of the rows that each of them touched."""

    def __init__(self, plants: tuple[Plant, ...] = ()) -> None:
        self.plants = plants
        self._rows: dict[str, list[pl.DataFrame]] = {plant.id: [] for plant in plants}
        self.files: dict[str, list[str]] = {plant.id: [] for plant in plants}

    def of(self, kind: str) -> list[Plant]:
        """The plants of one kind."""
        return [plant for plant in self.plants if plant.kind == kind]

    def note(
        self, plant: Plant, claim: np.ndarray, known: np.ndarray, amount: np.ndarray, line: np.ndarray | None = None
    ) -> None:
        """Keep which claims (or lines, by row number) the plant touched, when it shows, and its dollars.

        What is told twice in one call adds up; what a later call tells again of the same claim or line does not.
        """
        touched = pl.DataFrame(
            {
                "claim": np.asarray(claim, np.int64),
                "line": np.full(len(claim), NO_LINE) if line is None else np.asarray(line, np.int64),
                "known": np.asarray(known, np.int64),
                "amount": np.asarray(amount, np.int64),
            }
        )
        self._rows[plant.id].append(
            touched.group_by("claim", "line").agg(pl.col("known").min(), pl.col("amount").sum())
        )

    def rows(self, plant: Plant, last: int) -> pl.DataFrame:
        """What the plant touched and can be seen by the last day: one row per claim or line, the first time."""
        parts = self._rows[plant.id]
        if not parts:
            return pl.DataFrame(schema=dict.fromkeys(("claim", "line", "known", "amount"), pl.Int64))
        frame = pl.concat(parts).filter(pl.col("known") <= last).sort("known", "claim", "line", "amount")
        return frame.unique(["claim", "line"], keep="first", maintain_order=True)
