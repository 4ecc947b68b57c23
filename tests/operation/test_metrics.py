"""The figures an operator's machines read: true, complete, of bounded number, and about nobody."""

import asyncio
import platform
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import Session
from starlette.types import ASGIApp

from madoguchi import opaque
from madoguchi.doors.api.errors import catalogue
from madoguchi.doors.operation import Meter, Watched
from madoguchi.doors.overload import Lane
from madoguchi.doors.timer import timer
from madoguchi.procedures.service import set_feeds
from madoguchi.records.bank import FeedArrival, QuarantinedBlock
from madoguchi.records.database import Database
from madoguchi.rules.facts import FeedDue
from madoguchi.rules.vocabulary import JST, Feed, FeedCovers, FeedDays, Scope
from tests import story
from tests.flows.load import Software
from tests.operation.port import OPENMETRICS, Figures, at_operators, at_public, figure, figures, living, whole_app

SINCE = date(2026, 11, 2)
DUE = FeedDue(Feed.BALANCES, FeedDays.BANKING_DAYS, 7 * 60, FeedCovers.PREVIOUS_BANKING_DAY, 48 * 60, SINCE, None)
REQUESTS = "madoguchi_http_requests_total"
REFUSALS = "madoguchi_refusals_total"


@dataclass
class Bank:
    """All doors, with the public port and the operator's."""

    database: Database
    told: story.Story
    app: ASGIApp
    public: httpx.AsyncClient
    operator: httpx.AsyncClient

    @property
    def software(self) -> Software:
        return Software(story.ISSUER, self.told, self.public)

    async def figures(self) -> Figures:
        return figures((await self.operator.get("/metrics", headers=OPENMETRICS)).text)


@pytest.fixture
async def bank(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Bank]:
    told = await database.writing(story.tell)
    async with (
        living(whole_app(database_url, tmp_path / "data")) as app,
        at_public(app) as public,
        at_operators(app) as operator,
    ):
        yield Bank(database, told, app, public, operator)


async def test_every_request_is_counted_and_timed_by_door_route_method_and_class_of_status(bank: Bank) -> None:
    known = await bank.database.writing(story.register, bank.told)
    assert (await bank.software.query(known.access_token)).status_code == 200
    assert (await bank.software.query("no token")).status_code == 401
    assert (await bank.software.refresh(known.refresh_token)).status_code == 200
    assert (await bank.public.get("/")).status_code == 200
    assert (await bank.public.get("/nowhere")).status_code == 404
    assert (await bank.public.get("/", headers={"host": "evil.example"})).status_code == 421
    found = await bank.figures()
    for door, route, method, status in (
        ("api", "/graphql", "POST", "2xx"),
        ("api", "/graphql", "POST", "4xx"),
        ("oauth", "/token", "POST", "2xx"),
        ("pages", "/", "GET", "2xx"),
    ):
        assert figure(found, REQUESTS, door=door, route=route, method=method, status=status) == 1
    assert figure(found, REQUESTS, door="none", route="none", method="GET", status="4xx") == 1
    assert figure(found, REQUESTS, door="pages", route="/", method="GET", status="4xx") == 1, "for another host"
    assert figure(found, "madoguchi_http_request_duration_seconds_count", door="api", route="/graphql") == 2
    assert figure(found, "madoguchi_record_commit_uses_sum") == 1, "one answer was recorded in a shared commit"
    assert figure(found, "madoguchi_record_commit_duration_seconds_count") == 1
    assert figure(found, "madoguchi_record_commit_failures_total") == 0


async def test_a_refusal_is_counted_by_the_code_and_clause_that_were_told_once_a_request(bank: Bank) -> None:
    narrow = await bank.database.writing(lambda s: story.register(s, bank.told, scopes=[Scope.ACCOUNTS]))
    text = "{ accounts { id a: balance { current } b: balance { current } } }"
    assert len((await bank.software.query(narrow.access_token, text)).json()["errors"]) > 1
    await bank.software.query("no token")
    await bank.software.refresh("no refresh token")
    await bank.public.post("/par", data={"client_id": "x"})
    await bank.public.get("/authorize", params={"client_id": "x", "request_uri": "y"})
    await bank.public.get("/consent", params={"request": "z"})
    found = {labels: value for (name, labels), value in (await bank.figures()).items() if name == REFUSALS}
    told = {tuple(sorted(dict(labels).items())): value for labels, value in found.items()}
    assert told == {
        (("clause", clause), ("code", code), ("door", door)): count
        for door, code, clause, count in (
            ("api", "SCOPE_NOT_GRANTED", "4-3", 1),
            ("api", "TOKEN_MISSING", "4-2", 1),
            ("oauth", "invalid_grant", "-", 1),
            ("oauth", "invalid_client", "-", 1),
            ("oauth", "not_verified", "-", 1),
            ("pages", "request_unknown", "-", 1),
        )
    }


async def test_nothing_that_comes_from_outside_is_in_a_label_and_their_number_does_not_grow(bank: Bank) -> None:
    async def knock(word: str) -> None:
        for folder in ("", "consent/begin/", "static/", "developer/", "graphql?"):
            path = f"/{folder}{word}"
            await bank.public.get(path, headers={"x-request-id": word, "user-agent": word})
        await bank.public.request(word.upper(), f"/{word}")
        await bank.software.query(word, f"query {word} {{ {word} }}")
        await bank.public.post("/token", data={word: word, "grant_type": word})

    await knock("canary1")
    before = await bank.figures()
    for number in range(2, 12):
        await knock(f"canary{number}")
    after = await bank.figures()
    assert "canary" not in repr(after).lower()
    assert set(after) == set(before), "the same series, whoever knocks"
    codes = {dict(labels)["code"] for name, labels in after if name == REFUSALS and ("door", "api") in labels}
    assert codes
    assert codes <= set(catalogue())
    assert len(after) < 400


async def test_what_is_late_and_what_waits_is_told_in_seconds_and_numbers(bank: Bank) -> None:
    """It is Tuesday, 14:02; Friday's balances were due at 7:00, and Thursday's are the newest."""

    def arrange(session: Session) -> None:
        set_feeds(session, (DUE,), SINCE, story.WHO, story.NOW)
        friday_is_missing = datetime(2026, 11, 19, 23, 59, 59, tzinfo=JST)
        for feed, as_of in ((Feed.BALANCES, friday_is_missing), (Feed.TRANSACTIONS, story.NOW - timedelta(hours=2))):
            session.add(FeedArrival(feed=feed, as_of=as_of, received_at=as_of, feed_file_id=1))
        block = {"first_record": 1, "last_record": 3, "whose": "canary", "content": b"", "damage": {}}
        session.add(QuarantinedBlock(feed_file_id=1, read_as_of=SINCE, refused_at=story.NOW, **block))

    await bank.database.writing(arrange)
    found = await bank.figures()
    assert figure(found, "madoguchi_feed_late_seconds", feed="04") == (7 * 60 + 2) * 60
    assert figure(found, "madoguchi_feed_late_seconds", feed="03") == 0
    assert figure(found, "madoguchi_feed_withheld", feed="04") == 0
    assert figure(found, "madoguchi_feed_age_seconds", feed="03") == 2 * 3600
    assert ("madoguchi_feed_age_seconds", frozenset({("feed", "status")})) not in found, "it never came"
    assert figure(found, "madoguchi_quarantined_blocks") == 1
    assert figure(found, "madoguchi_database_up") == 1


async def test_the_format_is_the_one_that_was_asked_for(bank: Bank) -> None:
    """OpenMetrics 1.0, or Prometheus' own text where nobody asks; the strict parser of the library reads either."""
    asked = await bank.operator.get("/metrics", headers=OPENMETRICS)
    assert asked.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert asked.text.endswith("# EOF\n")
    plain = await bank.operator.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert figure(figures(asked.text), "madoguchi_build_info", version="0.1.0", python=platform.python_version()) == 1


async def test_lanes_pools_and_connections_are_as_they_are_when_one_asks() -> None:
    lane = Lane(2, 5)
    meter = Meter(Watched({"queries": lane}, {"queries": (9, lambda: 3)}))
    places = [lane.ask() for _ in range(4)]
    meter.look()

    def now(name: str, **labels: str) -> float | None:
        return meter.registry.get_sample_value(name, labels)

    assert now("madoguchi_lane_at_work", lane="queries") == 2
    assert now("madoguchi_lane_waiting", lane="queries") == 2
    assert now("madoguchi_database_pool_in_use", pool="queries") == 3
    assert now("madoguchi_database_pool_size", pool="queries") == 9
    for place in reversed(places):
        lane.leave(place)
    meter.look()
    assert (now("madoguchi_lane_at_work", lane="queries"), now("madoguchi_lane_waiting", lane="queries")) == (0, 0)


async def test_whom_a_full_lane_refuses_is_counted(database: Database, database_url: str, tmp_path: Path) -> None:
    await database.writing(story.tell)
    async with (
        living(whole_app(database_url, tmp_path / "data", at_work=1, waiting=0)) as app,
        at_public(app) as public,
        at_operators(app) as operator,
    ):
        login = {"customer_number": opaque.new_id(), "password": "x"}
        first, second = [public.post("/login", data=login) for _ in range(2)]
        answers = await asyncio.gather(first, second)
        assert 503 in [answer.status_code for answer in answers]
        found = figures((await operator.get("/metrics", headers=OPENMETRICS)).text)
    assert figure(found, "madoguchi_lane_refusals_total", lane="pages") == 1
    assert figure(found, "madoguchi_lane_refusals_total", lane="queries") == 0
    assert figure(found, REFUSALS, door="pages", code="overloaded", clause="-") == 1


async def test_sweeps_are_counted_by_whether_they_were_done(database: Database) -> None:
    class Broken:
        async def writing(self, *_: Any) -> None:
            raise OSError

    for swept, where in ((True, database), (False, Broken())):
        told: list[bool] = []
        async with timer(where, lambda: story.NOW, timedelta(milliseconds=1), told.append):  # type: ignore[arg-type]
            await asyncio.sleep(0.05)
        assert set(told) == {swept}, "every millisecond one"
    meter = Meter(Watched())
    meter.swept(True)
    meter.swept(False)
    meter.swept(False)
    assert meter.registry.get_sample_value("madoguchi_sweeps_total", {"outcome": "done"}) == 1
    assert meter.registry.get_sample_value("madoguchi_sweeps_total", {"outcome": "failed"}) == 2
