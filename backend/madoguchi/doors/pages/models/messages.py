"""The E pages: one card that says what happened, what is true now, and what to do.

Only what is true is said: whether something was registered is told where it is known, and where it is not
(a failure in the middle) the page says how to find out. The number shown is the request's (お問い合わせ番号), never a
receipt number: nothing was received.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import ClassVar

from madoguchi.doors.pages.models.service import Service


def _(sentence: str) -> str:
    """Marks a sentence for translation; the template translates it."""
    return sentence


class Way(StrEnum):
    """Where the card's button leads."""

    BACK = "back"  # to the aggregator, at a registered address
    LEAVE = "leave"  # the same, as a link: the customer may also stay and wait
    LOGIN = "login"
    AGAIN = "again"
    HOME = "home"
    NONE = "none"


class MessageState(Enum):
    """HTTP status, icon, tone, heading, sentences, way out. Placeholders: aggregator, retry_at."""

    CLOSED = (
        503, "clock", "info",
        _("ただいまサービス時間外です"),
        (_("連携の登録は、インターネットバンキングのサービス時間内にお手続きください。"),),
        Way.BACK,
    )
    SUSPENDED = (
        503, "pause", "warn",
        _("現在、一時的にご利用いただけません"),
        (_("「%(aggregator)s」との連携は、いまお使いになれません。"),),
        Way.BACK,
    )
    INTERNET_BANKING_SUSPENDED = (
        503, "pause", "warn",
        _("いまは、連携を登録できません"),
        (_("インターネットバンキングのご利用が止まっているため、いまは登録できません。"),
         _("くわしくは、下の番号にお電話ください。")),
        Way.BACK,
    )
    NO_INTERNET_BANKING = (
        403, "person", "info",
        _("インターネットバンキングのご契約が必要です"),
        (_("連携の登録には、当組合のインターネットバンキングのご契約が必要です（第1条第2項第1号）。"),
         _("お申し込みは、窓口またはお電話でご案内します。")),
        Way.BACK,
    )
    NO_ELIGIBLE_ACCOUNT = (
        403, "account", "info",
        _("連携できる口座がありません"),
        (_("対象は、登録済みの普通預金と当座預金です（第2条第2項）。"),),
        Way.BACK,
    )
    NOT_VERIFIED = (
        400, "warning", "stop",
        _("接続先を確認できませんでした"),
        (_("情報を入力せず、この画面を閉じてください。"),
         _("お心当たりがないときは、下の番号にお電話ください。")),
        Way.NONE,
    )
    REQUEST_EXPIRED = (
        400, "clock", "info",
        _("手続きの有効期限が切れました"),
        (_("%(aggregator)sの画面から、もう一度はじめてください。"),),
        Way.BACK,
    )
    SESSION_EXPIRED = (
        400, "clock", "info",
        _("時間がたったため、ログアウトしました"),
        (_("続けるときは、もう一度ログインしてください。"),),
        Way.LOGIN,
    )
    OTHER_BROWSER = (
        400, "warning", "warn",
        _("この画面では手続きを続けられません"),
        (_("手続きは、はじめたときと同じブラウザーで続けてください。"),
         _("お心当たりがないときは、情報を入力せず、この画面を閉じてください。")),
        Way.NONE,
    )
    ALREADY_DECIDED = (409, "check", "info", _("この手続きは終わっています"), (), Way.BACK)
    TOO_MANY_TRIES = (
        429, "clock", "warn",
        _("しばらくたってからお試しください"),
        (_("ログインの入力の誤りが続いたため、お客さまを守るために、いまはログインできません。"),
         _("%(retry_at)sごろから、もう一度お試しいただけます。"),
         _("お困りのときは、下の番号にお電話ください。")),
        Way.LEAVE,
    )
    FAILED = (
        500, "warning", "warn",
        _("表示できませんでした"),
        (_("申し訳ありません。当組合のシステムで問題が起きました。"),),
        Way.AGAIN,
    )
    OVERLOADED = (
        503, "clock", "info",
        _("ただいま混み合っています"),
        (_("少し待ってから、もう一度お試しください。"),),
        Way.AGAIN,
    )
    NOT_FOUND = (
        404, "search", "info",
        _("ページが見つかりません"),
        (_("アドレスが正しいか、ご確認ください。"),),
        Way.HOME,
    )
    MISDIRECTED = (
        421, "warning", "warn",
        _("このアドレスでは表示できません"),
        (_("当組合のアドレスは、画面の上に示したものだけです。"),
         _("情報を入力せず、この画面を閉じてください。")),
        Way.NONE,
    )

    def __init__(self, status: int, icon: str, tone: str, title: str, body: tuple[str, ...], way: Way) -> None:
        self.status = status
        self.icon = icon
        self.tone = tone
        self.title = title
        self.body = body
        self.way = way


_UNKNOWN_REQUEST = (
    _("はじめにお使いの家計簿アプリなどの画面に戻り、もう一度つなぎ直してください。"),
    _("登録は行われていません。"),  # a request that was approved is never forgotten
)


@dataclass(frozen=True, slots=True)
class Decided:
    """What the customer decided in this procedure, and when."""

    approved: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One state with what is known about it.

    inquiry         the request id, as お問い合わせ番号
    url             where the button leads; without it there is no button
    nothing_yet     before a first registration: nothing is registered, nothing was given
    serving_until   at a renewal: the last day of the registration that goes on
    unknown_whether after a failure in the middle: it is not known here whether the registration was made
    registered      the registration that was decided on stands
    retry_at        when to try again, where it is known: a whole minute
    """

    template: ClassVar[str] = "pages/message.html"

    state: MessageState
    inquiry: str | None = None
    aggregator: str = ""
    url: str | None = None
    nothing_yet: bool = False
    serving_until: date | None = None
    unknown_whether: bool = False
    decided: Decided | None = None
    registered: bool = False
    retry_at: datetime | None = None
    service: Service | None = None
    management_url: str | None = None

    @property
    def body(self) -> tuple[str, ...]:
        """The sentences that can be said with what is known."""
        if self.state is MessageState.REQUEST_EXPIRED and not self.aggregator:
            return _UNKNOWN_REQUEST
        unknown = ["%(aggregator)s"] * (not self.aggregator) + ["%(retry_at)s"] * (self.retry_at is None)
        return tuple(sentence for sentence in self.state.body if not any(name in sentence for name in unknown))

    @property
    def status(self) -> int:
        return self.state.status
