"""The registry: read whole, refused with every fault at once."""

import datetime as dt
from pathlib import Path

import pytest

from rcm_analysis.errors import ClientError, RcmError
from rcm_analysis.tables.clients import read_registry
from rcm_analysis.tables.workspace import open_workspace

GOOD = """
[firm]
name = "Harbor Billing"

[payers.medicare]
name = "Medicare"
payer_class = "medicare"
aliases = ["MEDICARE PART B"]
identifiers = ["00512"]

[clients.acme]
name = "Acme"
providers = 2
revenue = "250000.00"
commission_rate = "0.055"
meeting_cadence = "monthly"
npis = ["1234567893"]

[[clients.acme.changes]]
effective = 2026-10-01
meeting_cadence = "weekly"
providers = 3
"""


@pytest.fixture
def registry(tmp_path):
    def read(text=GOOD):
        (tmp_path / "clients.toml").write_text(text)
        return read_registry(tmp_path / "clients.toml")

    return read


def test_money_is_exact(registry):
    assert registry().client("acme").revenue_cents == 25_000_000


@pytest.mark.parametrize(
    ("day", "cadence", "providers"),
    [
        pytest.param(dt.date(2026, 9, 30), "monthly", 2, id="the old settings hold the day before"),
        pytest.param(dt.date(2026, 10, 1), "weekly", 3, id="the change holds from its day on"),
    ],
)
def test_changes_are_dated(registry, day, cadence, providers):
    client = registry().client("acme", as_of=day)
    assert (client.meeting_cadence, client.providers) == (cadence, providers)
    assert registry().clients_frame(as_of=day)["providers"].to_list() == [providers]


@pytest.mark.parametrize("word", ["Medicare", "medicare part b", "MEDICARE  PART-B", "00512", "medicare"])
def test_a_payer_is_known_under_every_name(registry, word):
    assert registry().payer_of(word) == "medicare"


def test_leading_zeros_count(registry):
    assert registry().payer_of("512") is None


def test_the_first_known_word_decides(registry):
    assert registry().payer_of(None, "unknown", "00512") == "medicare"


def test_an_unknown_client_names_the_closest(registry):
    with pytest.raises(ClientError, match=r"No client 'acm'.*Known: acme.*Closest: acme"):
        registry().client("acm")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        pytest.param('revenue = "250000.00"', "", "missing revenue", id="a required setting is missing"),
        pytest.param('"0.055"', '"5.5"', "share of collections", id="a rate of 550 % is refused"),
        pytest.param('"250000.00"', '"250000.005"', "whole number of cents", id="half a cent is refused"),
        pytest.param('"250000.00"', '"a lot"', "dollars written as text", id="revenue in words is refused"),
        pytest.param('"monthly"\nnpis', '"yearly"\nnpis', "one of weekly, biweekly, monthly", id="an unknown cadence"),
        pytest.param("providers = 2", "providers = 0", "whole number from 1", id="no providers"),
        pytest.param("npis =", "npi =", "Closest: npis", id="a misspelt setting names the closest"),
        pytest.param("effective = 2026-10-01", "", "every change needs `effective`", id="an undated change"),
        pytest.param("[clients.acme]", "[clients.Acme_1]", "lower-case", id="an id that is no slug"),
        pytest.param(
            'payer_class = "medicare"',
            'payer_class = "insurer"',
            "payer_class is one of",
            id="an unknown kind of payer",
        ),
    ],
)
def test_faults_are_named(registry, old, new, fault):
    text = GOOD.replace(old, new)
    assert text != GOOD
    with pytest.raises(ClientError, match=fault):
        registry(text)


def test_all_faults_come_at_once(registry):
    with pytest.raises(ClientError, match="has 2 fault"):
        registry(GOOD.replace("providers = 2", "providers = 0").replace('"0.055"', '"9"'))


def test_two_clients_may_not_share_an_npi(registry):
    second = (
        '\n[clients.b]\nname = "B"\nproviders = 1\nrevenue = "1"\ncommission_rate = '
        '"0.01"\nmeeting_cadence = "weekly"\nnpis = ["1234567893"]\n'
    )
    with pytest.raises(ClientError, match="share an NPI"):
        registry(GOOD + second)


def test_two_payers_may_not_share_a_name(registry):
    with pytest.raises(ClientError, match="share a name or identifier"):
        registry(GOOD + '\n[payers.other]\nname = "Medicare"\n')


@pytest.mark.parametrize("text", ["clients = [", ""])
def test_what_is_no_registry_says_so(registry, text):
    with pytest.raises(ClientError):
        registry(text)


def test_a_folder_without_rcm_toml_is_no_workspace(tmp_path):
    with pytest.raises(RcmError, match="not a workspace"):
        open_workspace(tmp_path)


def test_an_unknown_path_setting_names_the_closest(tmp_path):
    (tmp_path / "rcm.toml").write_text('[paths]\nstor = "x"\n')
    with pytest.raises(RcmError, match="Closest: store"):
        open_workspace(tmp_path)


def test_the_pseudonym_key_is_made_once_and_private(tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    workspace = open_workspace(tmp_path)
    assert workspace.pseudonym_key() == workspace.pseudonym_key() and len(workspace.pseudonym_key()) == 32
    assert (tmp_path / "pseudonym.key").stat().st_mode & 0o077 == 0


BOTH = (
    GOOD.replace('npis = ["1234567893"]', 'npis = ["1234567893"]\ntax_ids = ["11-2233445"]\naliases = ["Jo Doe MD"]')
    + '\n[clients.b]\nname = "Bay"\nproviders = 1\nrevenue = "1"\ncommission_rate = "0.01"\nmeeting_cadence = '
    '"weekly"\n'
    'tax_ids = ["998877665"]\n'
)


@pytest.mark.parametrize(
    ("client", "payee", "whose"),
    [
        pytest.param("acme", {"npi": "1234567893", "name": "Bay", "tax_id": "998877665"}, "own", id="the NPI decides"),
        pytest.param("acme", {"npi": "1999999984", "name": "Acme"}, "foreign", id="an NPI that is not listed"),
        pytest.param("acme", {"tax_id": "112233445", "name": "Bay"}, "own", id="without an NPI the tax id decides"),
        pytest.param("acme", {"tax_id": "3445"}, "own", id="the end of the tax id"),
        pytest.param("acme", {"tax_id": "998877665", "name": "Acme"}, "foreign", id="a tax id that is not listed"),
        pytest.param("acme", {"name": "ACME, INC."}, "own", id="the name without its legal ending"),
        pytest.param("acme", {"name": "Jo Doe, M.D."}, "own", id="an alias"),
        pytest.param("acme", {"name": "Acme Ortho"}, "unknown", id="a longer name"),
        pytest.param("acme", {}, "unsaid", id="no payee"),
        pytest.param("b", {"npi": "1234567893", "name": "Bay"}, "foreign", id="another client's NPI"),
        pytest.param("b", {"npi": "1999999984", "name": "Bay"}, "own", id="the name where no NPI is listed"),
        pytest.param("b", {"npi": "1999999984", "name": "Cove"}, "unknown", id="neither"),
    ],
)
def test_a_payee_is_judged_by_npi_then_tax_id_then_name(registry, client, payee, whose):
    assert registry(BOTH).payee(client, **payee) == whose


LOOK = """
[firm.packet]
logo = "brand/logo.svg"
color = "#14425F"
disclaimer = "No legal advice."
leave_out = ["Ten terms"]

[clients.acme.packet]
name = "Harbor West"
leave_out = []
encrypt = true
"""


@pytest.fixture
def looked(tmp_path, registry):
    (tmp_path / "brand").mkdir()
    (tmp_path / "brand" / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='3' height='1'/>")
    return lambda text=LOOK: registry(GOOD + text)


def test_a_clients_look_is_the_firms_but_for_what_it_has_of_its_own(looked):
    found = looked()
    firm, own = found.look(), found.look("acme")
    assert (firm.name, firm.color, firm.leave_out, firm.encrypt) == ("Harbor Billing", "#14425f", ("Ten terms",), None)
    assert (own.name, own.color, own.leave_out, own.encrypt) == ("Harbor West", "#14425f", (), True)
    assert found.brand("acme").picture.startswith(b"<svg") and found.brand("acme").disclaimer == "No legal advice."


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param('[firm.packet]\ncolor = "blue"', "six hexadecimal digits", id="a word is no color"),
        pytest.param('[firm.packet]\ncolour = "#000000"', "unknown setting", id="an unknown setting"),
        pytest.param(f'[firm.packet]\ndisclaimer = "{"x" * 601}"', "600 characters", id="a disclaimer of a page"),
        pytest.param('[firm.packet]\nlogo = "no.png"', "there is none", id="no such logo"),
        pytest.param('[firm.packet]\nlogo = "../logo.png"', "there is none", id="a logo outside the folder"),
        pytest.param('[firm.packet]\nlogo = "clients.toml"', "PNG or SVG file of at most 512 KB", id="no picture"),
        pytest.param('[firm.packet]\nlogo = "big.png"', "512 KB; found a PNG, of 600 KB", id="too large a picture"),
    ],
)
def test_a_look_that_cannot_be_printed_is_refused_in_a_sentence(looked, tmp_path, wrong, said):
    (tmp_path.parent / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "big.png").write_bytes(b"\x89PNG\r\n\x1a\n".ljust(600 * 1024))
    with pytest.raises(ClientError, match=said):
        looked(wrong).logos()


def test_another_logo_is_another_registry(looked, tmp_path):
    (tmp_path / "rcm.toml").write_text("")
    looked()
    before = open_workspace(tmp_path).registry_fingerprint()
    (tmp_path / "brand" / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='5' height='1'/>")
    assert open_workspace(tmp_path).registry_fingerprint() != before


def test_the_example_of_the_docs_can_be_read(registry, tmp_path):
    """docs/reports.md, as it stands there, beside a client of that name."""
    text = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    example = next(part for part in text.split("```toml\n")[1:] if "[firm.packet]" in part).partition("```")[0]
    found = registry(example + GOOD.partition("\n\n")[2].replace("clients.acme", "clients.acme-ortho"))
    assert found.look("acme-ortho").name == "Harbor West" and found.look("acme-ortho").encrypt
    assert found.look().leave_out == ("Ten terms",) and found.look("acme-ortho").leave_out == ()


SPECIALTY = '[specialties.orthopedics]\nrevenue_per_provider = "125000.00"\nsource = "our book of 2025"\n\n'


def test_revenue_that_nobody_states_is_estimated_by_the_specialty(registry):
    text = SPECIALTY + GOOD.replace('revenue = "250000.00"', 'specialty = "orthopedics"')
    found = registry(text)
    client = found.client("acme", as_of=dt.date(2026, 9, 30))
    assert client.revenue_cents == 2 * 12_500_000 and client.is_estimate and client.revenue_source == "our book of 2025"
    row = found.clients_frame(as_of=dt.date(2026, 9, 30)).row(0, named=True)
    assert (row["revenue_cents"], row["revenue_source"]) == (25_000_000, "our book of 2025")
    stated = registry(SPECIALTY + GOOD.replace("[clients.acme]", '[clients.acme]\nspecialty = "orthopedics"'))
    assert not stated.client("acme").is_estimate, "what is stated is stated"


def test_days_agreed_are_of_steps_that_are_known(registry):
    good = registry(GOOD.replace("[clients.acme]", "[clients.acme]\nservice_levels = { claim_sent = 3 }"))
    assert good.client("acme").service_levels == {"claim_sent": 3}
    with pytest.raises(ClientError, match="one of claim_sent"):
        registry(GOOD.replace("[clients.acme]", "[clients.acme]\nservice_levels = { claims_sent = 3 }"))
    schedule = registry(GOOD.replace("[clients.acme]", '[clients.acme]\nfollow_up = { medicare = 14, "A-1" = 7 }'))
    assert schedule.client("acme").follow_up == {"medicare": 14, "A-1": 7}


def test_the_registry_names_the_plan_of_a_care_programme(tmp_path):
    """A file of the folder of plans, or a sister's id; one that is not there is refused, and without any it is the
    client's own."""
    (tmp_path / "rcm.toml").write_text("")
    (tmp_path / "plans").mkdir()
    for name in ("acme.toml", "sister.toml"):
        (tmp_path / "plans" / name).write_text(name)

    def plan(more):
        text = GOOD.replace('npis = ["1234567893"]', f'npis = ["1234567893"]\n{more}')
        (tmp_path / "clients.toml").write_text(text)
        return open_workspace(tmp_path).client("acme").plan

    assert plan("").name == "acme.toml"
    assert plan('assumptions = "sister"').name == "sister.toml" == plan('assumptions = "sister.toml"').name
    with pytest.raises(ClientError, match="acme: assumptions = 'nobody': expected a file of .*plans"):
        plan('assumptions = "nobody"')
