"""One invented moment of みほん信用組合 for every page model: tests and designers render the same values.

2026-11-24 15:01 JST, a Tuesday; みほん家計簿 asks ミホン ハナコ for all three scopes.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from madoguchi.doors.pages.models.consent import (
    AccountChoice,
    ConsentAggregator,
    ConsentError,
    ConsentPage,
    DataProcessor,
    ScopeChoice,
    Ticked,
)
from madoguchi.doors.pages.models.frame import Frame, Institution, Part
from madoguchi.doors.pages.models.login import LoginError, LoginPage
from madoguchi.doors.pages.models.messages import Decided, MessagePage, MessageState
from madoguchi.doors.pages.models.public import (
    AggregatorsPage,
    ContractedAggregator,
    HomePage,
    HoursPage,
    PhishingPage,
    SampleCustomer,
    SampleCustomersPage,
    TermsPage,
)
from madoguchi.doors.pages.models.service import ALWAYS_AS_A_SAMPLE, HoursLine, LateData, Pause, Service, ServiceState
from madoguchi.doors.pages.models.terms import TermsClause, TermsDocument, changed_articles
from madoguchi.doors.templating import Preferences
from madoguchi.doors.templating.environment import Model
from madoguchi.rules.vocabulary import JST, Precision, Scope

DOCUMENTS = Path(__file__).parents[2] / "backend" / "sample"
NOW = datetime(2026, 11, 24, 15, 1, tzinfo=JST)
INSTITUTION = Institution("みほん信用組合", "0120-000-000", "平日 9:00〜17:00", is_sample=True)
TERMS = TermsDocument.parse((DOCUMENTS / "api-terms-2026-10-01.toml").read_bytes())
RULES = TermsDocument.parse((DOCUMENTS / "internet-banking-rules-2026-10-01.toml").read_bytes())

HOURS = (HoursLine("平日", "7:00〜23:00"), HoursLine("土日祝", "8:00〜21:00"))
OPEN = Service(
    ServiceState.OPEN,
    NOW,
    HOURS,
    closes_at=datetime(2026, 11, 24, 23, 0, tzinfo=JST),
    opens_at=datetime(2026, 11, 25, 7, 0, tzinfo=JST),
    pauses=(Pause(datetime(2026, 12, 31, 23, 0, tzinfo=JST), datetime(2027, 1, 4, 7, 0, tzinfo=JST)),),
    data_as_of=datetime(2026, 11, 24, 14, 0, tzinfo=JST),
    terms_as_of=TERMS.as_of,
)
ALWAYS_OPEN = replace(OPEN, hours=ALWAYS_AS_A_SAMPLE, closes_at=None, opens_at=None, pauses=())
CLOSED = replace(OPEN, state=ServiceState.CLOSED, closes_at=None)
STOPPED = replace(OPEN, state=ServiceState.STOPPED, closes_at=None, opens_at=None)
MONDAY = datetime(2026, 11, 23, 14, 0, tzinfo=JST)
LATE = replace(
    OPEN,
    data_as_of=MONDAY,
    late=(
        LateData("残高", MONDAY, Precision.MINUTE, withheld=False),
        LateData("入出金明細", datetime(2026, 11, 19, 23, 59, 59, tzinfo=JST), Precision.DAY, withheld=True),
    ),
)


def frame(here: str, phrase: str | None = None) -> Frame:
    """A page of a registration: with the address strip."""
    return Frame(INSTITUTION, "auth.mihon.example", here, Preferences(), phrase=phrase)


def public(here: str) -> Frame:
    """A public page: without the strip, under the counter's name."""
    return replace(frame(here), part=Part.COUNTER, strip=False)


def with_preferences(frame: Frame, here: str, preferences: Preferences) -> Frame:
    """The same page as another visitor asked for it."""
    return replace(frame, here=here, preferences=preferences)


LOGIN = LoginPage("みほん家計簿", "/login", "form-token", "/login/back", sample_customers_url="/sample/customers")
LOGIN_WRONG = replace(LOGIN, customer_number="20000017", errors=(LoginError.NOT_ACCEPTED,))
LOGIN_EMPTY = replace(LOGIN, errors=(LoginError.CUSTOMER_NUMBER_MISSING, LoginError.ONE_TIME_CODE_MISSING))

CONSENT = ConsentPage(
    aggregator=ConsentAggregator(
        name="みほん家計簿",
        company="株式会社みほん家計簿",
        kind="電子決済等代行業者",
        registration_number="見本 第0001号",
        contracting_party="みほん信用組合",
        processors=(DataProcessor("みほんサーバー株式会社", "保管を任せている会社"),),
        complaints="みほん家計簿 お客さま窓口（support@kakeibo.mihon.example）",
        mark="kakeibo",
    ),
    accounts=(
        AccountChoice("a1", "普通預金", "普通", "4567", "本店営業部／生活口座"),
        AccountChoice("a2", "当座預金", "当座", "3210", "本店営業部／屋号 みほん珈琲"),
        AccountChoice("a3", "普通預金", "普通", "8901", "みなみ支店／積立用"),
        AccountChoice("", "定期預金", "定期", "1122", "", reason="対象は普通・当座預金です（第2条第2項）"),
    ),
    scopes=(
        ScopeChoice(Scope.ACCOUNTS, "登録した口座の表示"),
        ScopeChoice(Scope.BALANCES, "資産の合計の表示"),
        ScopeChoice(Scope.TRANSACTIONS, "家計簿への自動記録"),
    ),
    last_day=date(2027, 5, 23),
    history_months=13,
    history_days=None,
    number_shown=True,
    holder_shown=True,
    terms=TERMS,
    terms_digest="0" * 64,
    action="/consent",
    extend_action="/consent/extend",
    form_token="form-token",
    expires_at=datetime(2026, 11, 24, 15, 31, tzinfo=JST),
    seconds_left=1800,
    extendable=True,
    attached=(RULES,),
    management_url="/services",
)
CONSENT_ERROR = replace(
    CONSENT,
    posted=Ticked(contract=True, risks=True),
    errors=(ConsentError.NO_ACCOUNT, ConsentError.NO_INFORMATION, ConsentError.NO_TERMS),
)
CONSENT_READY = replace(
    CONSENT, posted=Ticked(frozenset({"a1", "a2"}), frozenset({"balances", "transactions"}), True, True, True)
)
_SIXTH = replace(TERMS.articles[5], clauses=(TermsClause(1, "提供する情報は、照会の時に提供できるものに限ります。"),))
_FORMER = replace(TERMS, as_of=date(2025, 4, 1), articles=(*TERMS.articles[:5], _SIXTH, *TERMS.articles[6:]))
CONSENT_TERMS_CHANGED = replace(
    CONSENT,
    posted=Ticked(frozenset({"a1"}), frozenset({"balances"}), contract=True),
    terms_changes=changed_articles(_FORMER, TERMS),
)
CONSENT_NARROW = replace(
    CONSENT,
    scopes=CONSENT.scopes[:2],
    history_days=90,
    number_shown=False,
    holder_shown=False,
    management_url=None,
    extendable=False,
)

CONSENT_SPARSE = replace(
    CONSENT,
    aggregator=replace(CONSENT.aggregator, company="みほん家計簿", processors=(), complaints=""),
    scopes=tuple(replace(choice, purpose="") for choice in CONSENT.scopes),
)

INQUIRY = "E-2031-7K4M"
BACK = "https://kakeibo.mihon.example/callback?error=temporarily_unavailable"


def message(state: MessageState, **known: object) -> MessagePage:
    return MessagePage(state, INQUIRY, "みほん家計簿", **known)  # type: ignore[arg-type]


MESSAGES = {
    "closed": message(MessageState.CLOSED, url=BACK, service=CLOSED, nothing_yet=True, management_url="/services"),
    "suspended": message(MessageState.SUSPENDED, url=BACK, serving_until=date(2027, 5, 23)),
    "internet-banking-suspended": message(MessageState.INTERNET_BANKING_SUSPENDED, url=BACK, nothing_yet=True),
    "no-internet-banking": message(MessageState.NO_INTERNET_BANKING, url=BACK, nothing_yet=True),
    "no-account": message(MessageState.NO_ELIGIBLE_ACCOUNT, url=BACK, nothing_yet=True),
    "not-verified": MessagePage(MessageState.NOT_VERIFIED, INQUIRY),
    "request-expired": message(MessageState.REQUEST_EXPIRED, nothing_yet=True),
    "session-expired": message(MessageState.SESSION_EXPIRED, url="/login", nothing_yet=True),
    "other-browser": MessagePage(MessageState.OTHER_BROWSER, INQUIRY, nothing_yet=True),
    "already-decided": message(MessageState.ALREADY_DECIDED, decided=Decided(True, NOW), registered=True),
    "too-many-tries": message(MessageState.TOO_MANY_TRIES, url=BACK, retry_at=NOW + timedelta(minutes=15)),
    "failed": message(MessageState.FAILED, url="/authorize", unknown_whether=True),
    "overloaded": MessagePage(MessageState.OVERLOADED, INQUIRY, url="/"),
    "not-found": MessagePage(MessageState.NOT_FOUND, INQUIRY, url="/"),
    "misdirected": MessagePage(MessageState.MISDIRECTED, INQUIRY),
}

HOME = HomePage(ALWAYS_OPEN, sample_aggregator="みほん家計簿")
CUSTOMERS = SampleCustomersPage(
    (
        SampleCustomer(
            "ミホン ハナコ",
            "20000017",
            "mihon-hanako-1",
            "492039",
            ("普通預金 …4567", "当座預金 …3210", "普通預金 …8901", "定期預金 …1122"),
            "はじめての方におすすめです。普通・当座・定期の口座があります。",
        ),
        SampleCustomer(
            "ミホン タロウ",
            "20000025",
            "mihon-tarou-2",
            "118320",
            ("定期預金 …3344",),
            "連携できる口座がないお客さまです。",
        ),
    ),
    18,
    "みほん家計簿",
)
SPARSE = ContractedAggregator(
    "みほん帳簿", "みほん帳簿", "電子決済等代行業者 見本 第0003号", "みほん信用組合", "", date(2026, 8, 1)
)
AGGREGATORS = AggregatorsPage(
    (
        ContractedAggregator(
            "みほん家計簿",
            "株式会社みほん家計簿",
            "電子決済等代行業者 見本 第0001号",
            "みほん信用組合",
            "お客さま窓口（support@kakeibo.mihon.example）",
            date(2026, 4, 1),
        ),
        ContractedAggregator(
            "みほん会計",
            "みほん会計株式会社",
            "電子決済等代行業者 見本 第0002号",
            "みほん信用組合",
            "サポートデスク(help@kaikei.mihon.example)",
            date(2026, 6, 1),
        ),
        SPARSE,
    ),
    NOW.date(),
)

_PHRASE = "雪どけの朝"

PAGES: dict[str, tuple[Model, Frame]] = {
    "home": (HOME, public("/")),
    "home-hours": (replace(HOME, service=OPEN), public("/")),
    "home-closed": (replace(HOME, service=CLOSED), public("/")),
    "home-late": (replace(HOME, service=LATE), public("/")),
    "home-stopped": (replace(HOME, service=STOPPED), public("/")),
    "hours": (HoursPage(OPEN), public("/hours")),
    "terms": (TermsPage(TERMS, (RULES,)), public("/terms")),
    "aggregators": (AGGREGATORS, public("/aggregators")),
    "phishing": (PhishingPage(), frame("/help/phishing")),
    "customers": (CUSTOMERS, public("/sample/customers")),
    "login": (LOGIN, frame("/login")),
    "login-wrong": (LOGIN_WRONG, frame("/login")),
    "login-empty": (LOGIN_EMPTY, frame("/login")),
    "consent-initial": (CONSENT, frame("/consent", _PHRASE)),
    "consent-ready": (CONSENT_READY, frame("/consent", _PHRASE)),
    "consent-error": (CONSENT_ERROR, frame("/consent", _PHRASE)),
    "consent-terms-changed": (CONSENT_TERMS_CHANGED, frame("/consent", _PHRASE)),
    "consent-last-minutes": (replace(CONSENT, seconds_left=150), frame("/consent", _PHRASE)),
    "consent-narrow": (CONSENT_NARROW, frame("/consent", _PHRASE)),
    "consent-sparse": (CONSENT_SPARSE, frame("/consent", _PHRASE)),
    **{name: (page, frame("/message")) for name, page in MESSAGES.items()},
}
