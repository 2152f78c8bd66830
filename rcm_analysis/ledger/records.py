"""What the relations between records compare: each table as known at the end of a day, collected once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from ..tables.clients import Registry, payee_words
from ..tables.frames import days_before, source
from ..tables.ids import plain
from ..tables.schema import TABLES, WORK_LOG
from .bank import LATE_DAYS, OF_PLANS, at_the_bank
from .claim_state import VOID, bills_of, charge_in_force, own_bills
from .derived import ANSWERED, UNBILLED

CASH = ("payment", "takeback")
HARMLESS_RULES = {"total_line", "parent_set_aside", "row_again"}
"""Rules of rows set aside that need nobody: lines that were never data, and what goes with a row told itself."""
KEY = ["client", "claim_id"]
BILLED_AS = ("claim_id", "submission_id", "payer_order", "payer", "frequency", "charge_cents", "sequence")
col = pl.col


class Records:
    """The columns that the relations need, as known at the end of a day, each collected once."""

    def __init__(
        self,
        tables: Mapping[str, Any],
        as_of: dt.date,
        registry: Registry | None = None,
        aside: pl.DataFrame | None = None,
    ) -> None:
        self._tables, self.as_of, self._registry, self._aside = tables, as_of, registry, aside

    def read(self, name: str, *columns: str) -> pl.DataFrame:
        """Rows of one table known by the day, with `known_on`; none where the table was not given."""
        known = TABLES[name].known_on
        names = list(dict.fromkeys(["client", *columns, known]))
        if name not in self._tables:
            return TABLES[name].empty().select(names).rename({known: "known_on"})
        rows = source(self._tables, name, names).filter(nw.col(known) <= self.as_of)
        return rows.collect("polars").to_native().rename({known: "known_on"})

    def since(self, days: int) -> dt.date:
        return days_before(self.as_of, days)

    # ------------------------------------------------------------ the ledger
    @cached_property
    def postings(self) -> pl.DataFrame:
        return self.read("transactions", "claim_id", "kind", "party", "amount_cents", "trace", "reason")

    @cached_property
    def applied(self) -> pl.DataFrame:
        return self.postings.filter(col("claim_id").is_not_null())

    @cached_property
    def cash(self) -> pl.DataFrame:
        """Payments and takebacks on claims."""
        return self.applied.filter(col("kind").is_in(CASH))

    @cached_property
    def traced(self) -> pl.DataFrame:
        """Payments and takebacks of insurers under a check or transfer number."""
        return with_trace(self.cash.filter(col("party") != "patient"))

    @cached_property
    def charged(self) -> pl.DataFrame:
        """One row per claim charged in the ledger, or taken over with a balance. What an answer names bills nothing."""
        billed = (col("kind") == "charge") & ~col("reason").is_in(UNBILLED).fill_null(False)
        billed = billed | (col("kind") == "opening")
        return per_claim(self.applied.filter(billed), col("amount_cents").sum())

    @cached_property
    def parts(self) -> pl.DataFrame:
        """The balance of every claim and party."""
        return self.applied.group_by(*KEY, "party").agg(col("amount_cents").sum())

    # ------------------------------------------------------------ claims, sent and answered
    @cached_property
    def claims(self) -> pl.DataFrame:
        """The claims that a bill or an export tells of, not those known by answers alone."""
        rows = self.read("claims", "claim_id", "payer", "charge_cents", "submission_id")
        return rows.filter(col("submission_id").ne_missing(ANSWERED)).rename({"charge_cents": "amount_cents"})

    @cached_property
    def lines(self) -> pl.DataFrame:
        return self.read("claim_lines", "claim_id", "line_number", "procedure")

    @cached_property
    def sent(self) -> pl.DataFrame:
        """One row per claim in an 837: its highest charge and the first day on which it was sent."""
        rows = self.read("submissions", "claim_id", "charge_cents").rename({"charge_cents": "amount_cents"})
        return per_claim(rows, col("amount_cents").abs().max(), first=True)

    @cached_property
    def voided(self) -> pl.DataFrame:
        """One row per claim whose last bill to its primary payer took it back, with the day of that bill."""
        rows = self.read("submissions", *BILLED_AS).rename({"known_on": "submitted_on"})
        once = rows.join(rows.filter(col("frequency") == VOID), on=KEY, how="semi")
        found = [
            (client, claim_id, own_bills(bills)[-1].day)
            for (client,), part in once.group_by("client", maintain_order=True)
            for claim_id, bills in bills_of(part).items()
            if charge_in_force(bills, self.as_of) == 0 and own_bills(bills)
        ]
        texts = dict.fromkeys(KEY, pl.String)
        return pl.DataFrame(found, schema={**texts, "known_on": pl.Date}, orient="row")

    @cached_property
    def billed(self) -> pl.DataFrame:
        """One row per claim that an 837, the claim table or a charge knows, with its charge."""
        every = pl.concat(
            [rows.select(*KEY, "known_on", "amount_cents") for rows in (self.sent, self.claims, self.charged)]
        )
        return per_claim(every, col("amount_cents").max(), first=True)

    @cached_property
    def remitted(self) -> pl.DataFrame:
        """Every claim payment of the remittances."""
        names = ("claim_id", "remit_id", "payer", "payer_claim_id", "charge_cents", "paid_cents")
        rows = self.read("remit_claims", *names)
        return rows.rename({"charge_cents": "amount_cents"})

    @cached_property
    def answered(self) -> pl.DataFrame:
        """One row per claim that a payer answered, with the charge that the payer names."""
        return per_claim(self.remitted, col("amount_cents").abs().max(), first=True)

    @cached_property
    def acknowledged(self) -> pl.DataFrame:
        """Every answer of a clearinghouse or payer about one claim, before any decision."""
        rows = self.read("acknowledgments", "level", "kind", "claim_id", "claim_number", "charge_cents")
        return rows.filter(col("level") == "claim").rename({"charge_cents": "amount_cents"})

    @cached_property
    def checked(self) -> pl.DataFrame:
        """Every check by a front end, also of the claims of a file that was refused whole."""
        return self.read("claim_edits", "claim_id", "stage").filter(col("stage") != "scrubber")

    @cached_property
    def deposits(self) -> pl.DataFrame:
        """The remittance payments with a trace number, and its plain form."""
        rows = self.read("deposits", "remit_id", "trace", "payer", "paid_cents", "claims_paid_cents", "paid_on")
        return with_trace(rows.with_columns(paid_on=pl.coalesce("paid_on", "known_on")))

    @cached_property
    def bank(self) -> pl.DataFrame:
        """Remittance payments of days that bank statements cover, and deposits of health plans, with `how` they met."""
        rows = at_the_bank(self._tables, self.as_of).filter(
            col("is_covered"),
            col("day") < self.since(LATE_DAYS),
            (col("side") == "remitted") | col("kind").is_in(OF_PLANS),
        )
        return rows.with_columns(record=pl.coalesce("trace", "id"), other=pl.coalesce("payer", "kind"))

    # ------------------------------------------------------------ what was set aside
    @cached_property
    def aside(self) -> pl.DataFrame:
        """Rows of files that intake could not store, with `known_on` of their file; notes of work are no records."""
        texts = dict.fromkeys(("client", "table", "record", "other"), pl.String)
        if self._aside is None or self._aside.is_empty():
            return pl.DataFrame(schema={**texts, "known_on": pl.Date, "amount_cents": pl.Int64})
        is_known = col("known_on").is_null() | (col("known_on") <= self.as_of)
        kinds: dict[Any, Any] = {"known_on": pl.Date, "amount_cents": pl.Int64, "row": pl.Int64}
        empty = pl.DataFrame(schema={"known_on": pl.Date, "row": pl.Int64})
        dated = pl.concat([empty, self._aside], how="diagonal_relaxed")
        rows = dated.cast(kinds).filter(
            ~col("rule").is_in(list(HARMLESS_RULES)), col("table") != WORK_LOG.name, is_known
        )
        place = pl.when(col("row").is_not_null()).then(pl.format(", row {}", "row")).otherwise(pl.lit(""))
        other = pl.format("{}{}: {}", "table", place, "rule")
        return rows.select("client", "table", "known_on", "amount_cents", record="file", other=other)

    @cached_property
    def delivered(self) -> pl.DataFrame:
        """The money of what was set aside, and of all that is stored in the same tables."""
        frames = [self.aside.select("client", "known_on", col("amount_cents").abs())]
        for table in map(TABLES.get, self.aside["table"].unique().sort()):
            if table and table.known_on and table.money:
                frames.append(
                    self.read(table.name, table.money[0]).select("client", "known_on", col(table.money[0]).abs())
                )
                frames[-1] = frames[-1].rename({table.money[0]: "amount_cents"})
        return pl.concat(frames)

    @cached_property
    def payees(self) -> pl.DataFrame:
        """The remittance payments with `whose` of their payee; none without a registry."""
        registry = self._registry
        if registry is None:
            texts = dict.fromkeys(("client", "record", "other", "whose"), pl.String)
            return pl.DataFrame(schema={**texts, "known_on": pl.Date, "amount_cents": pl.Int64})
        who = ["payee", "payee_npi", "payee_tax_id_end"]
        rows = self.read("deposits", "trace", "paid_cents", *who).filter(col("client").is_in(list(registry.clients)))
        verdicts = [
            (*row, registry.payee(client, npi=npi, tax_id=tax_id, name=name), payee_words(name, npi, tax_id))
            for row in rows.select("client", *who).unique(maintain_order=True).iter_rows()
            for client, name, npi, tax_id in [row]
        ]
        judged = pl.DataFrame(
            verdicts, schema=dict.fromkeys(("client", *who, "whose", "other"), pl.String), orient="row"
        )
        rows = rows.join(judged, on=["client", *who], how="left", nulls_equal=True)
        return rows.with_columns(record="trace", amount_cents=col("paid_cents").abs())


def per_claim(rows: pl.DataFrame, amount: pl.Expr, *, first: bool = False) -> pl.DataFrame:
    """One row per claim: the amount, and the last (or the first) day on which it became known."""
    known = col("known_on").min() if first else col("known_on").max()
    return rows.group_by(KEY).agg(known, amount.alias("amount_cents"))


def with_trace(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that name a trace number, and `check`: the number without zeros in front, case and punctuation."""
    return rows.with_columns(check=plain(col("trace"))).filter(col("check").fill_null("") != "")


def without(left: pl.DataFrame, right: pl.DataFrame, on: Sequence[str] = KEY) -> pl.DataFrame:
    return left.join(right, on=list(on), how="anti")
