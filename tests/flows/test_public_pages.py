"""Pages for everybody, and what is shown when there is no page or a bug struck (1-3, 2-1, 8-1)."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from starlette.requests import Request
from structlog.testing import capture_logs

from madoguchi.doors.pages import error_page
from madoguchi.doors.pages.context import PagesContext
from madoguchi.procedures import logging_in
from madoguchi.procedures.aggregators import end_contract
from madoguchi.procedures.logging_in import Identified, NoIdentityMethod
from madoguchi.procedures.sample_logins import seed_sample_logins
from madoguchi.procedures.service import close_service, set_hours, set_stop
from madoguchi.records.database import Database
from madoguchi.rules.facts import Hours
from madoguchi.rules.vocabulary import JST, DayType, Product, StopTarget
from madoguchi.settings import Mode
from tests.flows.browsing import TEMPLATES, Hands, MasterOnly, Person, answered, links, pages_app, title, token
from tests.flows.visits import push, settings_for
from tests.story import NOW, WHO, Story


@pytest.fixture
def visitor(database: Database, story: Story) -> Person:
    clock = Hands()
    return Person(pages_app(database, settings_for(), clock), database, clock)


async def test_every_public_page_answers_without_a_cookie_and_with_the_page_headers(visitor: Person) -> None:
    for address, words in (
        ("/", "みほん信用組合"),
        ("/hours", "見本のため、いつでも"),
        ("/terms", "インターネットバンキング利用規定"),
        ("/aggregators", "株式会社みほん家計簿"),
        ("/help/phishing", "0120-000-000"),
    ):
        page = await visitor.get(address)
        assert page.status_code == 200, address
        assert words in page.text, address
        assert "見本" in page.text
        assert "set-cookie" not in page.headers
        assert page.headers["x-frame-options"] == "DENY"


@pytest.mark.clause("1-3")
@pytest.mark.clause("8-1")
async def test_the_terms_page_shows_the_nine_articles_and_the_rules_attached(visitor: Person) -> None:
    page = await visitor.get("/terms")
    for number in range(1, 10):
        assert f"第{number}条" in page.text
    assert "2026年10月1日" in page.text


@pytest.mark.clause("1-2-2")
async def test_an_aggregator_whose_contract_has_ended_is_no_longer_listed(
    database: Database, story: Story, visitor: Person
) -> None:
    await database.writing(end_contract, story.kakeibo, WHO, NOW)
    page = await visitor.get("/aggregators")
    assert "みほん会計" in page.text
    assert "株式会社みほん家計簿" not in page.text


@pytest.mark.clause("2-1")
async def test_the_home_page_tells_whether_the_service_answers_now(database: Database, visitor: Person) -> None:
    opened = await visitor.get("/")
    await database.writing(close_service, (NOW + timedelta(hours=17)).astimezone(JST), "test", WHO, NOW)
    closed = await visitor.get("/")
    await database.writing(set_stop, StopTarget.ALL, "", NOW, NOW + timedelta(days=1), None, "test", WHO, NOW)
    stopped = await visitor.get("/")
    said = {page.text.split("<main")[1] for page in (opened, closed, stopped)}
    assert len(said) == 3
    assert "11月25日（水）" in closed.text


@pytest.mark.clause("2-1")
async def test_the_hours_page_reads_the_calendar(database: Database, visitor: Person) -> None:
    weekday = [Hours(Product.PERSONAL, DayType.WEEKDAY, 7 * 60, 23 * 60, NOW.date(), None)]
    others = [
        Hours(Product.PERSONAL, day, 8 * 60, 21 * 60, NOW.date(), None) for day in DayType if day != DayType.WEEKDAY
    ]
    await database.writing(set_hours, [*weekday, *others], WHO, NOW)
    page = await visitor.get("/hours")
    for words in ("平日", "7:00〜23:00", "土日祝", "8:00〜21:00"):
        assert words in page.text


async def test_the_sample_customers_stand_in_the_sandbox_only(
    database: Database, story: Story, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging_in, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    await seed_sample_logins(database, MasterOnly().master)
    page = await visitor.get("/sample/customers")
    assert {"10000001", "10000002"} <= set(page.text.replace("<", " ").replace(">", " ").split())
    production = settings_for().model_copy(
        update={"mode": Mode.PRODUCTION, "sample_login": False, "issuer": "https://auth.mihon.example"}
    )
    elsewhere = Person(pages_app(database, production, Hands()), database, Hands())
    assert (await elsewhere.get("/sample/customers")).status_code == 404
    assert "みほん家計簿とつな" not in (await elsewhere.get("/")).text


async def test_where_no_identity_method_is_installed_nobody_is_asked_for_a_password(
    database: Database, story: Story
) -> None:
    settings = settings_for().model_copy(update={"sample_login": False})
    visitor = Person(pages_app(database, settings, Hands()), database, Hands())
    request_id = await database.writing(push, story.kakeibo)
    for address in (f"/consent/begin/{request_id}", f"/login?request={request_id}", f"/consent?request={request_id}"):
        answer = await visitor.get(address)
        assert (answer.status_code, title(answer)) == (503, "現在、一時的にご利用いただけません")
        assert "<form" not in answer.text
    typed = {"customer_number": "10000001", "password": "mihon-0000-0000", "one_time_code": "123456"}
    assert (await visitor.post(f"/login?request={request_id}", typed)).status_code == 503
    [back] = [link for link in links(answer) if "request=" in link]
    assert answered(await visitor.client.get(back))["error"] == "temporarily_unavailable"


async def test_another_identity_method_takes_the_samples_place(database: Database, story: Story) -> None:
    class Trusting(NoIdentityMethod):
        is_available = True

        async def identify(self, attempt: object, at: object) -> Identified:
            return Identified(story.jiro, story.jiro_contract, "another+method")

    settings = settings_for()
    app = pages_app(database, settings, Hands(), identity=Trusting())
    visitor = Person(app, database, Hands())
    login_page = await visitor.get(f"/consent/begin/{await database.writing(push, story.kakeibo)}")
    answer = await visitor.log_in(login_page)
    page = await visitor.get(answer.headers["location"])
    assert "…\u20607777" in page.text
    assert token(page)


async def test_an_unknown_page_says_so_with_a_number_to_ask_about(visitor: Person) -> None:
    page = await visitor.get("/nowhere/<script>")
    assert (page.status_code, title(page)) == (404, "ページが見つかりません")
    assert page.headers["x-request-id"] in page.text
    assert "<script>" not in page.text


async def test_a_method_that_a_page_does_not_know_is_refused(visitor: Person) -> None:
    answer = await visitor.client.delete("/login")
    assert answer.status_code == 405
    assert answer.headers["x-frame-options"] == "DENY"


async def test_a_bug_shows_a_page_with_its_number_and_nothing_of_the_bug(
    database: Database, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object) -> None:
        raise RuntimeError("canary-7f3a")

    monkeypatch.setattr("madoguchi.doors.pages.public.announcement", burst)
    visitor = Person(pages_app(database, settings_for(), Hands()), database, Hands())
    with capture_logs() as lines:
        page = await visitor.get("/hours")
    assert (page.status_code, title(page)) == (500, "表示できませんでした")
    assert "canary" not in page.text
    assert "お問い合わせ番号" in page.text
    (line,) = lines
    assert line["request_id"] in page.text, "the number the customer reads leads to the place of the bug"
    assert line["frames"][-1].endswith(" burst")
    assert "canary" not in str(line)


async def test_without_a_database_the_bare_sentence_is_shown(database: Database) -> None:
    """Nothing is set up: not even the institution's name can be read."""
    visitor = Person(pages_app(database, settings_for(), Hands()), database, Hands())
    page = await visitor.get("/")
    assert page.status_code == 500
    assert page.text == "表示できませんでした。"
    assert page.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    "document", ["http://[x", "//[", "http://[x]y/", "\x00", "", None, 7, "https://a.example:x/terms"]
)
async def test_a_report_with_an_impossible_address_is_taken_like_any_other(visitor: Person, document: object) -> None:
    report = {"csp-report": {"effective-directive": "script-src", "document-uri": document}}
    answer = await visitor.client.post("/csp-report", json=report)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_report_is_logged_by_its_directive_and_our_own_path_alone(visitor: Person) -> None:
    for document, path in (("http://127.0.0.1:8000/consent?request=req_1", "/consent"), ("http://x/req_1", "other")):
        report = {"csp-report": {"effective-directive": "script-src", "document-uri": document}}
        with capture_logs() as lines:
            await visitor.client.post("/csp-report", json=report)
        assert [(line["directive"], line["path"]) for line in lines] == [("script-src", path)]
        assert "req_1" not in str(lines)


@pytest.mark.parametrize(
    ("state", "status"), [("NOT_VERIFIED", 400), ("REQUEST_EXPIRED", 400), ("ALREADY_DECIDED", 409)]
)
async def test_other_doors_show_their_refusals_as_our_pages_without_any_link_out(
    database: Database, story: Story, state: str, status: int
) -> None:
    context = PagesContext(settings_for(), Hands(), database, TEMPLATES, MasterOnly(), NoIdentityMethod())
    scope = {
        "type": "http", "method": "GET", "path": "/authorize", "query_string": b"redirect_uri=https://evil.example",
        "headers": [], "state": {"request_id": "rq_1"},
    }  # fmt: skip
    answer = await error_page(context)(Request(scope), state, "みほん家計簿")
    assert answer.status_code == status
    body = bytes(answer.body).decode()
    assert "rq_1" in body
    assert "evil" not in body.split("<main")[1]
