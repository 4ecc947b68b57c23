"""The documentation's recipes do the whole story with the real server, in Python and in Node, and bear refusals."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from tests.developer.recipes import PROGRAMS, Recipe
from tests.developer.served_sample import NewSample, ServedSample, served_sample

CUSTOMERS = {"python": ("10000001", "10000002", "10000004"), "node": ("10000005", "10000006", "10000010")}
CALLS_A_SECOND = 2
"""So few that keeping a copy of three accounts meets 429 and has to wait."""


@pytest.fixture(scope="module")
def bank(new_sample: NewSample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSample]:
    data = new_sample(tmp_path_factory.mktemp("installation") / "data")
    with served_sample(data, MADOGUCHI_ATTENDED_CALLS_PER_SECOND=str(CALLS_A_SECOND)) as one:
        yield one


@pytest.fixture(scope="module", params=list(PROGRAMS))
def recipe(request: pytest.FixtureRequest, bank: ServedSample, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Registered at the credit union; no customer yet."""
    one = Recipe(request.param, tmp_path_factory.mktemp("developer") / request.param)
    one.designate(bank)
    return one


def connect(recipe: Recipe, bank: ServedSample, story: int, decision: str = "approve") -> tuple[int, str, str]:
    running, url = recipe.start_connecting()
    back = bank.decide(url, CUSTOMERS[recipe.language][story], decision)
    assert httpx.get(back).status_code == 200
    said = recipe.finished(running)
    return said.code, said.out, said.err


def test_the_keys_are_for_their_owner_alone_and_the_public_ones_hold_no_private_part(recipe: Recipe) -> None:
    assert (recipe.folder / "keys.json").stat().st_mode & 0o777 == 0o600
    assert "d" not in recipe.holds("jwks.json")["keys"][0]
    assert "d" in recipe.holds("keys.json")["client"]
    again = recipe("keys")
    assert (again.code, "there already" in again.err) == (1, True)


def test_a_customer_who_says_no_leaves_no_tokens(recipe: Recipe, bank: ServedSample) -> None:
    code, _, err = connect(recipe, bank, 1, "deny")
    assert (code, "access_denied" in err) == (1, True)
    assert recipe.holds("tokens.json") is None


def test_an_answer_of_another_request_or_of_another_server_is_not_taken(recipe: Recipe, bank: ServedSample) -> None:
    """RFC 6749 section 10.12 (state), RFC 9207 section 2.4 (iss)."""
    running, url = recipe.start_connecting()
    back = bank.decide(url, CUSTOMERS[recipe.language][2])
    (state,) = parse_qs(urlsplit(back).query)["state"]
    assert httpx.get(back.replace(f"state={quote(state)}", "state=another")).status_code == 404
    elsewhere = back.replace(quote(bank.server.url, safe=""), quote("https://other.example", safe=""))
    assert elsewhere != back
    assert httpx.get(elsewhere).status_code == 200
    said = recipe.finished(running)
    assert said.code == 1
    assert "Registered" not in said.out
    assert recipe.holds("tokens.json") is None


def test_the_first_run_brings_data_and_every_later_one_goes_on_from_there(recipe: Recipe, bank: ServedSample) -> None:
    """Consent, balances with their moment, movements, renewal, delta sync, closed hours, end: one story."""
    code, out, err = connect(recipe, bank, 0)
    assert (code, err) == (0, "")
    assert "The customer allowed: accounts balances transactions" in out
    assert re.search(r"支店 ORDINARY|部 ORDINARY", out)
    assert re.search(r"balance -?[\d,]+ yen as of \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+09:00 \([A-Z_]+\)", out)
    assert re.search(r"\d{4}-\d\d-\d\d +[+-][\d,]+  \S", out)

    first = recipe.holds("tokens.json")
    recipe.change("tokens.json", expires_at=0)  # run out by the clock
    assert recipe("read").code == 0
    second = recipe.holds("tokens.json")
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] == first["refresh_token"], "it does not rotate"
    recipe.change("tokens.json", access_token=first["access_token"][:-8] + "AAAAAAAA")  # 401
    assert recipe("read").code == 0

    copied = recipe("sync")
    assert copied.code == 0, copied.err
    copy = recipe.holds("copy.json")
    held = sum(len(account["rows"]) for account in copy.values())
    assert held > 50
    assert f"{held} held" in copied.out or len(copy) > 1
    account, kept = next(iter(copy.items()))
    gone = {**kept, "rows": {**kept["rows"], "old": {"id": "old", "bookedOn": "2020-01-01"}}}
    recipe.change("copy.json", **{account: gone})
    again = recipe("sync")
    assert again.out.count(": 0 new or changed, 0 withdrawn") == len(copy)
    assert "old" not in recipe.holds("copy.json")[account]["rows"], "what has left the window is forgotten"
    assert bank.server.log.count('"status": 429') >= (len(copy) > 1), "it was told to wait, and waited"

    bank.command("service", "close")
    try:
        closed = recipe("read")
    finally:
        bank.command("service", "open")
    assert closed.code == 1
    assert "OUTSIDE_SERVICE_HOURS (clause 2-1)" in closed.err
    (retry_at,) = re.findall(r"retryAt is (\S+?)\.$", closed.err.strip())
    assert datetime.fromisoformat(retry_at).utcoffset() is not None

    tokens = recipe.holds("tokens.json")
    assert recipe("end").out.strip() == "The registration has ended."
    (recipe.folder / "tokens.json").write_text("{}")
    recipe.change("tokens.json", **tokens)  # a copy of the tokens is of no use either
    over = recipe("read")
    assert (over.code, "register" in over.err) == (3, True)


def test_what_it_cannot_do_is_said(recipe: Recipe, tmp_path: Path) -> None:
    assert recipe("nonsense").code == 2
    nothing = Recipe(recipe.language, tmp_path / "alone")("read")
    assert (nothing.code, "client.json" in nothing.err) == (1, True)
