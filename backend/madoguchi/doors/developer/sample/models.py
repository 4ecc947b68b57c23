"""Pages of the sample aggregator みほん家計簿: what an aggregator's app would show, and what it was not given.

Another company's app (an invented one): it has its own look, and knows of the customer only what the API answered.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from madoguchi.doors.developer.sample.chart import BalanceChart
from madoguchi.rules.vocabulary import Precision, Scope


@dataclass(frozen=True, slots=True)
class App:
    """The sample aggregator and the institution that it connects to."""

    name: str
    company: str
    institution: str
    home_url: str = "/sample"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A kind of information that the app asks for, with its purpose; both as in its contract."""

    name: str
    purpose: str


class Notice(StrEnum):
    """What happened to the last attempt, told above the button that starts a new one."""

    DENIED = "denied"  # the customer did not agree: access_denied
    UNAVAILABLE = "unavailable"  # closed or stopped: temporarily_unavailable
    FAILED = "failed"  # any other protocol error
    ENDED = "ended"  # the customer ended the registration here
    LAPSED = "lapsed"  # the institution answers no more: expired, stopped there, or the contract ended


@dataclass(frozen=True, slots=True)
class BeforePage:
    """Not connected. `connect_url` is a link: signing in elsewhere never starts from a form.

    code  the error code of the authorization server, shown small; "" when there is none.
    """

    template: ClassVar[str] = "sample/before.html"

    app: App
    connect_url: str
    wanted: tuple[Wanted, ...]
    notice: Notice | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class AppAccount:
    """One account as the API gave it. `balance` and `as_of` are None without the balance scope or when refused."""

    kind: str
    branch: str
    last_digits: str | None = None
    balance: int | None = None
    as_of: datetime | None = None
    precision: Precision = Precision.MINUTE


@dataclass(frozen=True, slots=True)
class AppMovement:
    """One row of history. `amount` is signed: a withdrawal is negative."""

    booked_on: date
    description: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Connection:
    """The registration as the API told it. `end_action` is where the button posts `form_token`."""

    until: date
    scopes: tuple[Scope, ...]
    end_action: str
    form_token: str


@dataclass(frozen=True, slots=True)
class AfterPage:
    """Connected, with an answer.

    movements       the newest ten, newest first; None without the history scope
    chart           None unless both scopes were given and there is a history
    history_from    2-4: the first day of the window; None without history
    limited_by_contract  whether the app's own contract cut the window, not the institution
    received_at     when the answer came
    next_update_at  6-1: when the institution expects newer data; None when it does not say
    available_given whether 支払可能残高 came
    refused         fields refused beside their scope, as (what, code and clause): stops and the like
    inquiry         the id that the API gave the request, for developers; "" when it gave none
    """

    template: ClassVar[str] = "sample/after.html"

    app: App
    connection: Connection
    accounts: tuple[AppAccount, ...]
    received_at: datetime
    movements: tuple[AppMovement, ...] | None = None
    chart: BalanceChart | None = None
    history_from: date | None = None
    limited_by_contract: bool = False
    next_update_at: datetime | None = None
    available_given: bool = False
    refused: tuple[tuple[str, str], ...] = ()
    just_connected: bool = False
    inquiry: str = ""

    @property
    def total(self) -> int | None:
        """The sum of all balances; None when one is missing, since a part is no total."""
        balances = [account.balance for account in self.accounts]
        return None if None in balances or not balances else sum(balance for balance in balances if balance is not None)

    @property
    def as_of(self) -> tuple[datetime, Precision] | None:
        """The moment of the total: the oldest of its balances, so that nothing looks newer than it is (6-1)."""
        known = [(account.as_of, account.precision) for account in self.accounts if account.as_of is not None]
        return min(known) if known else None

    @property
    def without_balances(self) -> bool:
        return Scope.BALANCES not in self.connection.scopes

    @property
    def without_history(self) -> bool:
        return Scope.TRANSACTIONS not in self.connection.scopes


@dataclass(frozen=True, slots=True)
class PausedPage:
    """Connected, but the institution gives nothing for now: outside its hours (2-1) or stopped (7-3).

    retry_at  when to ask again, as the API said; None when it cannot know
    code      the error's code and clause, shown small
    inquiry   as on AfterPage
    """

    template: ClassVar[str] = "sample/paused.html"

    app: App
    connection: Connection
    outside_hours: bool
    code: str
    retry_at: datetime | None = None
    inquiry: str = ""
