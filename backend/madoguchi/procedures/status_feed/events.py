"""The internet-banking status feed (インターネットバンキングの契約・登録の連携): its events, one strict model a kind.

Source: no public standard; the format is ours and its JSON Schema is made from these models (status_feed/schema.py).
They are also the values that the procedure takes, since a second set of the same words would only drift from the
first. The common words are status_feed/words.py's, the nightly full file's lines status_feed/full_file.py's. Reading
lines is doors/core_banking/status_feed.py's subject, acting on events status_feed/acting.py's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from madoguchi.procedures.status_feed.words import (
    AccountName,
    BranchCode,
    BranchKana,
    BranchName,
    CustomerName,
    CustomerNumber,
    Day,
    FeedAccount,
    FeedMoment,
    HolderKana,
    MailAddress,
    Phrase,
    Plain,
    ProductCode,
    SequenceNumber,
    Strict,
)
from madoguchi.rules.vocabulary import Product


class AnyEvent(Strict):
    kind: str
    event_id: Annotated[str, Field(min_length=1, max_length=64, description="names this event for ever"), Plain]
    sequence: SequenceNumber
    time: Annotated[FeedMoment, Field(description="when it happened in the core-banking system")]


class AnyCustomerEvent(AnyEvent):
    customer_number: CustomerNumber


class AnyContractEvent(AnyCustomerEvent):
    product: Annotated[Product, Field(description="which of the customer's contracts")]


class ContractOpened(AnyContractEvent):
    """An internet-banking contract begins."""

    kind: Literal["contract.opened"]
    customer_name: CustomerName
    customer_kana: CustomerName
    mail_address: MailAddress | None = None
    phrase: Phrase | None = None


class ContractSuspended(AnyContractEvent):
    """Still a contract: paused, not ended (1-2-1, 7-3)."""

    kind: Literal["contract.suspended"]


class ContractResumed(AnyContractEvent):
    """The pause is over (7-3)."""

    kind: Literal["contract.resumed"]


class ContractCancelled(AnyContractEvent):
    """Ends every registration under it (5-2)."""

    kind: Literal["contract.cancelled"]


class AnyAccountEvent(AnyContractEvent):
    account: FeedAccount


class AccountRegistered(AnyAccountEvent):
    """The account can be used in internet banking (2-2)."""

    kind: Literal["account.registered"]
    branch_name: BranchName
    branch_kana: BranchKana
    holder_kana: HolderKana
    label: AccountName | None = None
    product_code: ProductCode = ""


class AccountRemoved(AnyAccountEvent):
    """Taken out of internet banking; the account itself lives on (2-2)."""

    kind: Literal["account.removed"]


class AccountClosed(AnyAccountEvent):
    """The account itself is closed (2-2)."""

    kind: Literal["account.closed"]


class AccountFrozen(AnyAccountEvent):
    """Not shown until it is registered again (2-2); what is not in internet banking any more stays so."""

    kind: Literal["account.frozen"]


class AccountRenumbered(AnyAccountEvent):
    """店番・口座番号の変更: the same account under a new key; files may name the former one still."""

    kind: Literal["account.renumbered"]
    new_account: FeedAccount


class CustomerDeceased(AnyCustomerEvent):
    """相続: all contracts of the customer are paused (7-3)."""

    kind: Literal["customer.deceased"]


class ContactChanged(AnyContractEvent):
    """What is absent stays as it was."""

    kind: Literal["contact.changed"]
    mail_address: MailAddress | None = None
    phrase: Phrase | None = None


class Successor(Strict):
    """The branch that goes on."""

    branch_code: BranchCode
    branch_name: BranchName
    branch_kana: BranchKana


class BranchMerged(AnyEvent):
    """店舗統廃合: a branch closes into another. Its accounts follow by account.renumbered, each with its new number."""

    kind: Literal["branch.merged"]
    branch_code: BranchCode
    successor: Successor
    last_day: Annotated[Day, Field(description="the last day of the branch that closes")]

    @model_validator(mode="after")
    def _goes_on_elsewhere(self) -> "BranchMerged":
        if self.successor.branch_code == self.branch_code:
            raise PydanticCustomError("own_successor", "a branch cannot be its own successor")
        return self


StatusEvent = Annotated[
    ContractOpened
    | ContractSuspended
    | ContractResumed
    | ContractCancelled
    | AccountRegistered
    | AccountRemoved
    | AccountClosed
    | AccountFrozen
    | AccountRenumbered
    | CustomerDeceased
    | ContactChanged
    | BranchMerged,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class PlacedEvent:
    """An event with the line of its file on which it stands, from 1."""

    line: int
    event: StatusEvent


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file of events in the order of their sequence, whatever their order of lines; an event may stand twice.

    `events` can be gone through more than once, and reads what it gives: a file may hold a million.
    """

    sequences: Sequence[int]  # of every event, rising
    events: Iterable[PlacedEvent]
