"""What the documentation states agrees with the code: lifetimes, limits, codes, clauses, sample customers, names.

A figure that is changed in the code is changed on its page, or a test here says where.
"""

import json
import re
import tomllib
from datetime import timedelta

import pytest
from graphql import GraphQLEnumType, build_schema
from jsonschema import Draft202012Validator

from madoguchi.doors import dpop
from madoguchi.doors.api import limits, request
from madoguchi.doors.api.errors import catalogue
from madoguchi.doors.api.types import MAX_ROWS
from madoguchi.doors.connections import IDLE_SECONDS
from madoguchi.doors.oauth import client_assertion, pushed_request
from madoguchi.installation import sample_document
from madoguchi.procedures import clients
from madoguchi.procedures.status_feed.schema import status_feed_schema
from madoguchi.rules.vocabulary import Scope
from madoguchi.settings import Settings
from tests.developer.documents import fences, pages, text_of, words_of
from tests.support.tree import ROOT

DEFAULTS = Settings.model_construct()
INSTITUTION = tomllib.loads(sample_document("institution.toml").decode())
BOOKS = tomllib.loads(sample_document("books.toml").decode())
CUSTOMERS = {customer["number"]: customer for customer in BOOKS["customers"]}


def seconds(span: timedelta) -> str:
    return f"{int(span.total_seconds())} seconds"


def minutes(span: timedelta) -> str:
    return f"{int(span.total_seconds()) // 60} minutes"


STATED = {
    "authorization": (
        f"| `request_uri`, until it is opened | {seconds(DEFAULTS.request_uri_lifetime)} |",
        f"| consent page | {minutes(DEFAULTS.consent_page_lifetime)}, "
        f"and {minutes(DEFAULTS.consent_page_ceiling)} when",
        f"| log-in, until the consent page is shown | {minutes(DEFAULTS.fresh_login)} |",
        f"| authorization code | {seconds(DEFAULTS.code_lifetime)} |",
        f"| access token | {seconds(DEFAULTS.access_token_lifetime)}, and never longer than the registration |",
        f"| registration | {INSTITUTION['registration_days']} days in the sandbox;",
        f"| `exp` | ahead, but not by more than {minutes(client_assertion.LIFETIME)} |",
        f"| `iat`, `nbf` | optional; not more than {seconds(client_assertion.SKEW)} ahead |",
        f"| `iat` | now: not more than {seconds(dpop.AGE)} ago, not more than {seconds(dpop.SKEW)} ahead |",
        f"at most {pushed_request.STATE_CHARACTERS} printable ASCII characters",
        f"RSA of {clients.RSA_BITS.start} to {clients.RSA_BITS.stop - 1} bits",
    ),
    "quickstart": (f"within {seconds(DEFAULTS.request_uri_lifetime)}", "changes every 30 seconds"),
    "paging": (f"from 1 to {MAX_ROWS} rows",),
    "limits": (
        f"| attended calls a second | {DEFAULTS.attended_calls_per_second} | "
        f"{DEFAULTS.aggregator_attended_calls_per_second} | `RATE_LIMITED` |",
        f"one access token | {DEFAULTS.unattended_sessions_per_day} | – | `SESSIONS_EXHAUSTED` |",
        f"| unattended calls with one access token | {DEFAULTS.unattended_calls_per_session} | – | `CALLS_EXHAUSTED` |",
        f"| {DEFAULTS.registration_cost_per_minute:,} | {DEFAULTS.aggregator_cost_per_minute:,} | "
        "`COST_BUDGET_EXHAUSTED` |",
        f"One operation may cost {limits.COST:,} at most",
        f"| body | {request.BODY_BYTES:,} bytes |",
        f"| rows of a page | {MAX_ROWS} |",
        f"| tokens of a document | {limits.TOKENS:,} |",
        f"| levels of fields | {limits.DEPTH} |",
        f"| root fields | {limits.ROOT_FIELDS} |",
        f"| aliases and repeated fields | {limits.ALIASES} |",
        f"| fragments | {limits.FRAGMENTS} |",
        f"| directives | {limits.DIRECTIVES} |",
    ),
    "operating": (
        f"within `MADOGUCHI_DRAIN` ({seconds(DEFAULTS.drain)})",
        f"Keep its idle time to us below {IDLE_SECONDS} seconds",
        "Let systemd or the engine wait 30 seconds",  # tests/operation/test_deploy.py compares it with the unit
        f"with 4 workers and {DEFAULTS.at_work} at work, {4 * (4 * DEFAULTS.at_work + 3)}.",
    ),
    "sandbox": ("| twelve accounts |", "| 200 rows on the last banking day |"),
}
"""By page: what has to stand there, made from the code's own figures."""

EXAMPLES = {
    "feeds": {"200 bytes"},
    "limits": {"50 rows", "10 accounts"},
    "operating": {"5 minutes", "10 minutes", "15 minutes"},
}
"""Figures of a standard, of an example, and of alerts."""

FIGURE = re.compile(
    r"(\d[\d,]*) (seconds?|minutes?|days?|months?|rows?|calls?|bytes|bits|accounts|characters|printable)\b"
)
CODE = re.compile(r"`([A-Z]{2,}(?:_[A-Z]+)+)`")


@pytest.mark.parametrize("page", STATED)
def test_a_figure_of_the_code_stands_on_its_page_as_it_is(page: str) -> None:
    missing = [stated for stated in STATED[page] if stated not in text_of(page)]
    assert not missing


@pytest.mark.parametrize("page", [page.stem for page in pages()])
def test_no_page_states_a_figure_that_nothing_compares(page: str) -> None:
    compared = {" ".join(found) for stated in STATED.get(page, ()) for found in FIGURE.findall(stated)}
    stated = {" ".join(found) for found in FIGURE.findall(words_of(page))}
    assert stated <= compared | EXAMPLES.get(page, set())


def test_every_code_that_a_page_names_exists() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
    values = {value for kind in schema.type_map.values() if isinstance(kind, GraphQLEnumType) for value in kind.values}
    named = {code for page in pages() for code in CODE.findall(words_of(page.stem))}
    settings = {code for code in named if code.startswith("MADOGUCHI_")}
    assert len(named) > 20
    assert named - settings <= values | {*catalogue()}


def test_an_error_shown_as_an_example_is_the_catalogues() -> None:
    shown = [error for block in fences("json") for error in _errors(json.loads(block.body))]
    assert len(shown) >= 2
    for error in shown:
        clause, _, message = catalogue()[error["extensions"]["code"]]
        assert (error["extensions"]["clause"], error["message"]) == (clause, message)


def _errors(read: dict[str, object]) -> list[dict[str, object]]:
    errors = read.get("errors", [read] if "extensions" in read else [])
    assert isinstance(errors, list)
    return errors


def test_the_budget_of_an_answer_adds_up() -> None:
    costs = [json.loads(block.body)["cost"] for block in fences("json") if '"cost"' in block.body]
    assert [cost["limit"] - cost["requested"] == cost["remaining"] for cost in costs] == [True]
    assert costs[0]["limit"] == DEFAULTS.registration_cost_per_minute


def test_every_scope_is_explained_and_no_other() -> None:
    assert re.findall(r"^\| `(\w+)` \|", text_of("scopes"), re.MULTILINE) == [scope.value for scope in Scope]


def test_the_event_shown_to_a_core_banking_engineer_fits_the_published_schema() -> None:
    (event,) = (json.loads(block.body) for block in fences("json") if '"kind": "contract' in block.body)
    Draft202012Validator(json.loads(status_feed_schema())).validate(event)


def test_every_sample_customer_has_a_case_and_every_case_a_customer() -> None:
    table = text_of("sandbox").split("## The clock")[0]
    assert set(re.findall(r"\b\d{8}\b", table)) == set(CUSTOMERS)
    assert sum(account["kind"] in "12" for account in CUSTOMERS["10000012"]["accounts"]) == 12
    assert {account["kind"] for account in CUSTOMERS["10000003"]["accounts"]} == {"6"}


def test_the_kinds_of_transaction_stand_with_their_zengin_codes() -> None:
    from madoguchi.doors.api.words import TransactionKind

    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d\d) \| (\S+) \|$", text_of("names"), re.MULTILINE)
    assert {name: code for name, code, _ in rows} == {kind.name: kind.value for kind in TransactionKind}
