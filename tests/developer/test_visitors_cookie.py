"""Whose browser it is: the sample aggregator goes by names it gave itself, and gives a new one with each connection.

Source: the usual defence against session fixation; RFC 9700 section 4.7.
"""

from pathlib import Path

import httpx
import pytest

from tests.developer.visitor import Visitor, visiting


def name(browser: httpx.AsyncClient) -> str:
    return browser.cookies["kakeibo"]


def bring(browser: httpx.AsyncClient, cookie: str) -> None:
    browser.cookies.clear()
    browser.cookies.set("kakeibo", cookie, domain="127.0.0.1", path="/sample")


@pytest.mark.parametrize("cookie", ["x" * 43, "x" * 200, "short", "é" * 43])
async def test_a_name_brought_from_outside_is_replaced_when_connecting_begins(visitor: Visitor, cookie: str) -> None:
    answer = await visitor.http.get("/sample/connect", headers={"Cookie": f"kakeibo={cookie}".encode("latin-1")})
    given = answer.headers["set-cookie"].partition(";")[0].removeprefix("kakeibo=")
    assert given != cookie
    assert len(given) == 43


async def test_a_connection_gets_a_new_name_and_the_old_one_opens_nothing(visitor: Visitor, tmp_path: Path) -> None:
    """Who planted the name they had been given themselves in another's browser sees nothing of theirs."""
    async with visiting(visitor.bank, tmp_path) as attacker:
        await attacker.connect()
        planted = name(attacker.http)
        bring(visitor.http, planted)
        assert "228,500" in (await visitor.connected()).text
        assert name(visitor.http) != planted
        assert "228,500" not in (await attacker.http.get("/sample")).text
        await attacker.connect()
        assert name(attacker.http) != planted


async def test_who_is_connected_and_thinks_again_stays_connected(visitor: Visitor) -> None:
    await visitor.connected()
    before = name(visitor.http)
    state = await visitor.connect()
    assert "228,500" in (await visitor.come_back(state=state, iss=visitor.bank.issuer, error="access_denied")).text
    assert name(visitor.http) == before


async def test_connecting_again_replaces_the_connection_and_the_name(visitor: Visitor, tmp_path: Path) -> None:
    await visitor.connected()
    before = name(visitor.http)
    assert "228,500" in (await visitor.connected()).text
    assert name(visitor.http) != before
    async with visiting(visitor.bank, tmp_path) as other:
        bring(other.http, before)
        assert "228,500" not in (await other.http.get("/sample")).text
