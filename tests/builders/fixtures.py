"""The engines a measure must agree on, and the table builders shared by the tests of the measures.

engine       the engine under test: "pandas", "polars", "duckdb", "spark"; a test that asks for it runs on each
as_engine    as_engine(tables, engine) gives the same tables (a dict of pandas frames) as frames of that engine
"""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from builders import contract_tables, denial_tables, ledger_tables, self_pay_tables

ENGINES = ["pandas", "polars", "duckdb", pytest.param("spark", marks=pytest.mark.spark)]


@pytest.fixture(params=ENGINES)
def engine(request) -> str:
    return request.param


@pytest.fixture
def as_engine(request):
    """The tables as frames of one engine: `as_engine({"claims": frame}, "duckdb")`."""

    def convert(tables: dict[str, pd.DataFrame], engine: str) -> dict:
        if engine == "pandas":
            return dict(tables)
        typed = {name: _typed(frame) for name, frame in tables.items()}
        if engine == "polars":
            return {name: frame.lazy() for name, frame in typed.items()}
        if engine == "duckdb":
            connection = request.getfixturevalue("duckdb_connection")
            return {name: _duckdb(connection, name, frame) for name, frame in typed.items()}
        if engine == "spark":
            session = request.getfixturevalue("spark_session")
            return {name: _spark(session, frame) for name, frame in typed.items()}
        raise ValueError(f"No engine {engine!r}; one of pandas, polars, duckdb, spark.")

    return convert


@pytest.fixture
def duckdb_connection():
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def spark_session():
    pyspark = pytest.importorskip("pyspark.sql")
    session = (
        pyspark.SparkSession.builder.master("local[2]")
        .appName("rcm_analysis tests")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.enabled", "false")
        # Compiling each plan costs more than running it on a few rows.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        # Nor does compiling the JVM's own methods to the last: the session is over before that pays.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .getOrCreate()
    )
    yield session
    session.stop()


def _typed(frame: pd.DataFrame) -> pl.DataFrame:
    """Days as DATE and all-empty columns as text: other engines refuse pandas' guesses."""
    table = frame if isinstance(frame, pl.DataFrame) else pl.from_pandas(frame)
    return table.with_columns(
        *[pl.col(name).cast(pl.Date) for name, kind in table.schema.items() if isinstance(kind, pl.Datetime)],
        *[pl.col(name).cast(pl.String) for name, kind in table.schema.items() if kind == pl.Null],
    )


def _duckdb(connection, name: str, frame: pl.DataFrame):
    fresh = f"{name}_{len(connection.execute('show tables').fetchall())}"  # a test may convert more than one set
    connection.register("given", frame.to_arrow())
    connection.execute(f'create table "{fresh}" as select * from given')
    return connection.table(fresh)


def _spark(session, frame: pl.DataFrame):
    kinds = {pl.String: "string", pl.Int64: "bigint", pl.Float64: "double", pl.Date: "date", pl.Boolean: "boolean"}
    schema = ", ".join(f"`{name}` {kinds[kind.base_type()]}" for name, kind in frame.schema.items())
    return session.createDataFrame(frame.rows(), schema=schema)


@pytest.fixture(scope="session")
def builders_remit():
    """Rows of the remittance tables with plain defaults: the module denial_tables.py."""
    return denial_tables


@pytest.fixture(scope="session")
def builders_ledger():
    """Rows of the ledger tables with plain defaults: the module ledger_tables.py."""
    return ledger_tables


@pytest.fixture(scope="session")
def builders_self_pay():
    """Rows of the self-pay tables with plain defaults: the module self_pay_tables.py."""
    return self_pay_tables


@pytest.fixture(scope="session")
def builders_contract():
    """Priced lines with plain defaults: the module contract_tables.py."""
    return contract_tables
