"""Tables that a warehouse holds: measures in its own engine, and reports on a client's rows of it, to the cent."""

from __future__ import annotations

import datetime as dt
import inspect
from typing import Any

import pandas as pd
import polars as pl
import pytest

from builders.acorn import OCTOBER, invented
from rcm_analysis import notebook
from rcm_analysis.errors import ParameterError, TableError
from rcm_analysis.examples.remittances import example_late_payments, example_takebacks
from rcm_analysis.exhibits import blocks
from rcm_analysis.measures.menu import menu
from rcm_analysis.periods import Period
from rcm_analysis.tables.elsewhere import TablesElsewhere
from rcm_analysis.tables.schema import TABLES
from rcm_analysis.tables.store import Store, tables_of_stores

CLIENT, OTHER = "acorn-clinic", "birch-eyes"
FEW = ("days_in_ar", "net_collection_rate_posted", "charges", "initial_denial_rate_claims_remitted", "aging")
REGISTRY = """
[firm]
name = "Lantern"
[payers.acme]
name = "Acme Health"
payer_class = "commercial"
[payers.lakeshore]
name = "Lakeshore"
payer_class = "commercial"
[clients.acorn-clinic]
name = "Acorn Clinic"
providers = 2
revenue = "300000.00"
commission_rate = "0.06"
meeting_cadence = "monthly"
"""


@pytest.fixture(scope="module")
def every() -> dict[str, pl.DataFrame]:
    """What a warehouse holds: all clients in one table each; the other one's claims have the same numbers."""
    ours, theirs = invented(CLIENT), invented(OTHER, months=9)
    return {name: pl.concat([theirs[name], ours[name]]) for name in TABLES}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The same client in a store of ours."""
    place = tmp_path_factory.mktemp("warehouse")
    (place / "rcm.toml").write_text("[paths]\n")
    (place / "clients.toml").write_text(REGISTRY)
    store = Store(place / "store")
    with store.change(CLIENT) as change:
        for name, frame in invented(CLIENT).items():
            change.replace_all(TABLES[name], frame)
    return store


@pytest.fixture(scope="module")
def ibis_tables(every: dict[str, pl.DataFrame]) -> dict[str, Any]:
    """Ibis expressions over tables of DuckDB."""
    ibis = pytest.importorskip("ibis")
    connection = ibis.duckdb.connect()
    for name, frame in every.items():
        connection.con.register("given", frame.to_arrow())
        connection.con.execute(f'create table "{name}" as select * from given')
    return {name: connection.table(name) for name in every}


@pytest.fixture(scope="module")
def spark_tables(every: dict[str, pl.DataFrame], spark_session) -> dict[str, Any]:
    kinds = {pl.String: "string", pl.Int64: "bigint", pl.Float64: "double", pl.Date: "date", pl.Boolean: "boolean"}

    def held(frame: pl.DataFrame) -> Any:
        names = ", ".join(f"`{name}` {kinds[kind.base_type()]}" for name, kind in frame.schema.items())
        return spark_session.createDataFrame(frame.rows(), schema=names)

    return {name: held(frame) for name, frame in every.items() if not frame.is_empty()}


def asked(name: str) -> dict[str, Any] | None:
    """What a measure of the menu is asked with; nothing for one that needs more than tables, month and day."""
    record = menu()[name]
    takes = inspect.signature(record.function).parameters
    ready = {"period": OCTOBER, "as_of": OCTOBER.last_day}
    given = {key: value for key, value in ready.items() if key in takes} | dict(record.options)
    lacking = {key for key, one in takes.items() if one.default is one.empty} - set(given) - {"tables"}
    return None if lacking or "tables" not in takes else given


@pytest.mark.slow
def test_measures_of_all_kinds_in_a_warehouse_are_the_store_s_to_the_cent(ibis_tables, every) -> None:
    """All clients at once, worked out by DuckDB through Ibis, against Polars: every third measure of the menu."""
    here, compared = {name: frame.lazy() for name, frame in every.items()}, 0
    for name in list(menu())[::3]:
        if (given := asked(name)) is not None:
            found, expected = (menu()[name].function(tables=tables, **given) for tables in (ibis_tables, here))
            pd.testing.assert_frame_equal(found, expected, obj=name)
            compared += len(expected) > 0
    assert compared > 15


@pytest.mark.parametrize("name", FEW)
def test_a_measure_in_a_warehouse_is_the_store_s_to_the_cent(ibis_tables, every, name: str) -> None:
    here, given = {table: frame.lazy() for table, frame in every.items()}, asked(name)
    assert given is not None
    found, expected = (menu()[name].function(tables=tables, **given) for tables in (ibis_tables, here))
    assert len(expected) > 0
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize(
    ("example", "name", "options"),
    [
        (example_takebacks, "takebacks", {"as_of": dt.date(2026, 3, 31)}),
        (example_takebacks, "money_taken_back", {"period": Period.month("2026-03")}),
        (example_late_payments, "late_payments", {"as_of": dt.date(2026, 6, 30)}),
        (example_late_payments, "prompt_pay_interest", {"period": Period.month("2026-05")}),
    ],
)
def test_what_payers_took_back_and_paid_late_in_a_warehouse(example, name: str, options: dict[str, Any]) -> None:
    connection = pytest.importorskip("ibis").duckdb.connect()
    for table, frame in example().items():
        connection.con.register("given", pl.from_pandas(frame).to_arrow())
        connection.con.execute(f'create table "{table}" as select * from given')
    tables = {table: connection.table(table) for table in example()}
    found, expected = (menu()[name].function(tables=given, **options) for given in (tables, example()))
    assert len(expected) > 0
    pd.testing.assert_frame_equal(found, expected)


def report_on(store: Store, monkeypatch: pytest.MonkeyPatch, tables: Any = None) -> notebook.ClientReport:
    monkeypatch.setattr(blocks, "emit", lambda shown: None)
    return notebook.open_report(store.folder.parent, CLIENT, OCTOBER.label, template="client_review", tables=tables)


def test_a_report_on_a_warehouse_is_the_store_s(ibis_tables, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = report_on(store, monkeypatch), report_on(store, monkeypatch, ibis_tables)
    for name in FEW:
        pd.testing.assert_frame_equal(theirs.measure(name), ours.measure(name))
    assert theirs.subject.rows == ours.subject.rows
    assert [*theirs.review.aging()] == [*ours.review.aging()]
    assert [*theirs.review.month_adds_up()] == [*ours.review.month_adds_up()]


@pytest.mark.spark
def test_a_report_on_spark_is_the_store_s(spark_tables, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = report_on(store, monkeypatch), report_on(store, monkeypatch, spark_tables)
    for name in FEW:
        pd.testing.assert_frame_equal(theirs.measure(name), ours.measure(name))
    assert theirs.subject.rows == ours.subject.rows
    assert [*theirs.review.month_adds_up()] == [*ours.review.month_adds_up()]


def test_a_connection_brings_its_tables(every: dict[str, pl.DataFrame], store: Store) -> None:
    ibis = pytest.importorskip("ibis")
    connection = ibis.polars.connect({"claims": every["claims"], "payroll": pl.DataFrame({"salary": [1]})})
    held = TablesElsewhere(CLIENT, connection)
    assert held.rows("claims") == store.open(CLIENT).rows("claims") and held.rows("transactions") == 0
    assert held.scan(TABLES["claims"]).collect()["client"].unique().to_list() == [CLIENT]


def test_what_was_not_known_on_the_day_is_not_read(every, store: Store) -> None:
    day = dt.date(2026, 6, 30)
    held = tables_of_stores([TablesElsewhere(CLIENT, every)], as_of=day)
    known = store.tables([CLIENT], as_of=day)
    for name in TABLES:
        key = list(TABLES[name].key)
        assert held[name].collect().sort(key).equals(known[name].collect().sort(key)), name


def test_a_warehouse_writes_names_in_capitals_and_money_as_decimals(every, store: Store) -> None:
    claims = every["claims"].with_columns(pl.col("charge_cents").cast(pl.Decimal(38, 0)))
    capitals = claims.rename({name: name.upper() for name in claims.columns})
    held = TablesElsewhere(CLIENT, {"CLAIMS": capitals})
    stored = store.open(CLIENT).read("claims")
    assert held.scan(TABLES["claims"]).collect().equals(stored.sort(TABLES["claims"].key))
    assert held.fingerprints() == TablesElsewhere(CLIENT, {"claims": every["claims"]}).fingerprints()


def test_a_column_that_may_be_empty_may_be_absent(every, store: Store) -> None:
    optional = [column.name for column in TABLES["claims"].columns if column.empty]
    held = TablesElsewhere(CLIENT, {"claims": every["claims"].drop(optional)})
    found = held.scan(TABLES["claims"]).collect()
    assert found.select(optional).null_count().row(0) == (found.height,) * len(optional) and found.height


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param(lambda every: {"claims": every["claims"].drop("client")}, "lacks the column client", id="whose"),
        pytest.param(lambda every: {"claims": every["claims"].drop("payer")}, "missing columns payer", id="column"),
        pytest.param(lambda every: {"orders": every["claims"]}, "None of the tables given is one of ours", id="names"),
        pytest.param(lambda every: 7, "as frames by name or as an Ibis connection; found int", id="nothing"),
        pytest.param(
            lambda every: {"claims": every["claims"].with_columns(charge_cents=pl.lit(10.5))},
            "charge_cents has fractions",
            id="dollars where cents are due",
        ),
        pytest.param(
            lambda every: {"claims": pl.concat([every["claims"], every["claims"]])},
            "claims of acorn-clinic",
            id="twice",
        ),
    ],
)
def test_what_is_no_table_of_ours_is_refused_in_one_sentence(every, given, says: str) -> None:
    with pytest.raises(TableError) as refused:
        TablesElsewhere(CLIENT, given(every)).rows("claims")
    assert says in str(refused.value)


def test_a_client_without_rows_there_is_refused(store: Store, every, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {name: frame.filter(pl.col("client") == OTHER) for name, frame in every.items()}
    with pytest.raises(ParameterError, match="Nothing is stored for acorn-clinic"):
        report_on(store, monkeypatch, others)
