"""Public pages: home, service hours, terms, contracted aggregators, how to tell a forged site, sample customers."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from madoguchi.doors.pages.models.service import Service
from madoguchi.doors.pages.models.terms import TermsDocument


@dataclass(frozen=True, slots=True)
class HomePage:
    """/ : the state of the service and three doors. A link that is None leads to a page that is not there yet."""

    template: ClassVar[str] = "pages/home.html"

    service: Service
    sample_aggregator: str | None = None  # its service name; the door to /sample, sandbox only
    management_url: str | None = None


@dataclass(frozen=True, slots=True)
class HoursPage:
    """/hours (2-1): hours, the next change, planned pauses."""

    template: ClassVar[str] = "pages/hours.html"

    service: Service


@dataclass(frozen=True, slots=True)
class TermsPage:
    """/terms (1-3, 8-1): the full text in force with the documents attached to it, in rank order."""

    template: ClassVar[str] = "pages/terms.html"

    terms: TermsDocument
    attached: tuple[TermsDocument, ...] = ()


@dataclass(frozen=True, slots=True)
class ContractedAggregator:
    """What of an aggregator's contract is public. `since` is the first day of the contract."""

    name: str
    company: str
    registration: str  # 「電子決済等代行業者 見本 第0001号」
    contracting_party: str
    contact: str
    since: date


@dataclass(frozen=True, slots=True)
class AggregatorsPage:
    """/aggregators (1-2-2): those whose contract is in force today."""

    template: ClassVar[str] = "pages/aggregators.html"

    aggregators: tuple[ContractedAggregator, ...]
    today: date


@dataclass(frozen=True, slots=True)
class PhishingPage:
    """/help/phishing: how to tell a forged site; all it needs stands in the frame."""

    template: ClassVar[str] = "pages/phishing.html"


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """An invented customer with everything needed to log in. `note` says what this customer is good for."""

    name: str
    number: str
    password: str
    code: str  # the one-time code of this moment
    accounts: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class SampleCustomersPage:
    """/sample/customers, sandbox only. `seconds_left`: how long the codes shown are still the present ones."""

    template: ClassVar[str] = "pages/sample_customers.html"

    customers: tuple[SampleCustomer, ...]
    seconds_left: int
    sample_aggregator: str
