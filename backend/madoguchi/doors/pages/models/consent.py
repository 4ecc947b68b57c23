"""C2 consent (第4条第1項): who will see what, until when, at which risk; two equal buttons.

Everything about the aggregator comes from its contract record, nothing from the request. Nothing is ticked before
the customer ticks it: `posted` is what the customer sent, and is empty on the first view.

Posted fields: `form_token`, `terms` (digest of the text shown), `account` (repeated), `scope` (repeated),
`confirm_contract`, `agree_terms`, `accept_risks` (each `yes`), `decision` (`approve` or `deny`).
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from madoguchi.doors.pages.models.terms import ArticleChange, TermsDocument
from madoguchi.rules.vocabulary import Scope


@dataclass(frozen=True, slots=True)
class DataProcessor:
    """A company that keeps the data for the aggregator or receives it from it, and as what."""

    name: str
    role: str  # 「保管を任せている会社」


@dataclass(frozen=True, slots=True)
class ConsentAggregator:
    """The aggregator as its contract record says. `kind` is the legal kind (電子決済等代行業者)."""

    name: str
    company: str
    kind: str
    registration_number: str
    contracting_party: str
    processors: tuple[DataProcessor, ...]
    complaints: str
    mark: str = ""  # "kakeibo": the sample's drawn mark; else the first letter of the name


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """One account in internet banking. `reason` is why it cannot be chosen (2-2); None when it can.

    kind          「普通預金」;  short_kind 「普通」
    last_digits   the last four digits of the number
    label         what tells it from the others: branch, then nickname or trade name
    """

    value: str
    kind: str
    short_kind: str
    last_digits: str
    label: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    """A requested scope with the purpose that the aggregator has declared for it in its contract."""

    scope: Scope
    purpose: str


class ConsentError(StrEnum):
    """What is missing, in the words of the error summary."""

    NO_ACCOUNT = "見せる口座を1つ以上選んでください"
    ACCOUNT_NOT_OFFERED = "連携できない口座が含まれています。口座を選び直してください"
    NO_INFORMATION = "残高照会・入出金明細照会のどちらか1つ以上を選んでください"
    SCOPE_NOT_OFFERED = "連携できない情報が含まれています。情報を選び直してください"
    NO_CONTRACT = "「%(aggregator)s」とのご契約の確認にチェックを入れてください"
    NO_TERMS = "API利用規定への同意にチェックを入れてください"
    NO_RISKS = "リスクの確認にチェックを入れてください"
    LAST_DAY_CHANGED = "日付が変わり、連携の終わる日が変わりました。終わる日を確かめて、もう一度お進みください"


@dataclass(frozen=True, slots=True)
class Ticked:
    """What the customer sent: values of accounts and scopes, and the three checks."""

    accounts: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    contract: bool = False
    terms: bool = False
    risks: bool = False


@dataclass(frozen=True, slots=True)
class ConsentPage:
    """One view of the consent page.

    last_day           JST, included; stated above, in the summary and on the receipt
    history_months     how far back history is given (2-4); history_days instead, where the contract narrows it
    number_shown, holder_shown  whether account number and holder's name are given: each only where the contract
                       lists it (4-3)
    terms_digest       goes with the form, so that the server knows which text was shown
    attached           documents shown and agreed to together with the terms (8-1), in rank order
    terms_changes      what changed against the version shown before, when it changed while the page was open (9-1)
    expires_at         when the page ends; seconds_left the same for the script; extendable once more or not
    management_url     the customer's own page, where a stop works at any hour; None while there is none
    """

    template: ClassVar[str] = "pages/consent.html"

    aggregator: ConsentAggregator
    accounts: tuple[AccountChoice, ...]
    scopes: tuple[ScopeChoice, ...]
    last_day: date
    history_months: int
    history_days: int | None
    number_shown: bool
    holder_shown: bool
    terms: TermsDocument
    terms_digest: str
    action: str
    extend_action: str
    form_token: str
    expires_at: datetime
    seconds_left: int
    extendable: bool
    posted: Ticked = field(default_factory=Ticked)
    errors: tuple[ConsentError, ...] = ()
    attached: tuple[TermsDocument, ...] = ()
    terms_changes: tuple[ArticleChange, ...] = ()
    management_url: str | None = None

    @property
    def selectable(self) -> tuple[AccountChoice, ...]:
        return tuple(account for account in self.accounts if account.reason is None)

    @property
    def unavailable(self) -> tuple[AccountChoice, ...]:
        return tuple(account for account in self.accounts if account.reason is not None)

    @property
    def selectable_kinds(self) -> str:
        """「普通・当座」, in the order of the page."""
        return "・".join(dict.fromkeys(account.short_kind for account in self.selectable))

    def purpose(self, scope: str) -> str | None:
        """The declared purpose of a requested scope; None when the scope was not requested."""
        return next((choice.purpose for choice in self.scopes if choice.scope == scope), None)

    @property
    def changed_articles(self) -> str:
        """「第2条・第5条」"""
        return "・".join(f"第{change.number}条" for change in self.terms_changes)

    @property
    def optional_scopes(self) -> tuple[ScopeChoice, ...]:
        return tuple(choice for choice in self.scopes if choice.scope is not Scope.ACCOUNTS)

    def has_error(self, name: str) -> bool:
        return ConsentError[name] in self.errors

    def errors_at(self, *places: str) -> tuple[ConsentError, ...]:
        """The errors whose names speak of one of these places of the page."""
        return tuple(error for error in self.errors if any(place in error.name for place in places))
