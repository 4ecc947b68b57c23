"""全件照合: the nightly full file of internet banking, one strict model a line.

Source: domain.md (status feed); the format is ours, as status_feed/events.py's. First `full.begin`, then one line a
contract with its accounts, last `full.end` with the counts, so that a file that was cut is known as such. What is
done with it is status_feed/reconciling.py's subject.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import FailFast, Field, model_validator
from pydantic_core import PydanticCustomError

from madoguchi.procedures.status_feed.events import StatusEvent
from madoguchi.procedures.status_feed.words import (
    AccountName,
    BranchKana,
    BranchName,
    CustomerName,
    CustomerNumber,
    FeedAccount,
    FeedMoment,
    HolderKana,
    MailAddress,
    Phrase,
    ProductCode,
    SequenceNumber,
    Strict,
)
from madoguchi.rules.vocabulary import AccountState, ContractState, Product


class FullBegin(Strict):
    """What moment the file shows, and the last event that is in it."""

    kind: Literal["full.begin"]
    as_of: Annotated[FeedMoment, Field(description="the moment that the file shows")]
    sequence: Annotated[SequenceNumber, Field(description="the last event that the file takes in")]


class FullAccount(Strict):
    """An account of the contract. Whatever is not in the file is not in internet banking (2-2)."""

    account: FeedAccount
    state: Annotated[AccountState, Field(description="where it stands in internet banking")]
    branch_name: BranchName
    branch_kana: BranchKana
    holder_kana: HolderKana
    label: AccountName | None = None
    product_code: ProductCode = ""
    former_accounts: Annotated[
        tuple[FeedAccount, ...],
        Field(max_length=10, strict=False, description="its earlier numbers: keeps it the same account"),
    ] = ()


class FullContract(Strict):
    """An internet-banking contract. One that is not in the file is cancelled (5-2)."""

    kind: Literal["full.contract"]
    customer_number: CustomerNumber
    customer_name: CustomerName
    customer_kana: CustomerName
    product: Product
    state: ContractState
    opened: Annotated[FeedMoment, Field(description="when it began; what was cancelled before does not count")]
    since: Annotated[FeedMoment, Field(description="when it came into this state")]
    mail_address: Annotated[MailAddress | None, Field(description="absent: stays as it was")] = None
    phrase: Annotated[Phrase | None, Field(description="absent: stays as it was")] = None
    accounts: Annotated[tuple[FullAccount, ...], Field(strict=False, max_length=500), FailFast()]

    @model_validator(mode="after")
    def _is_in_its_state_after_it_began(self) -> "FullContract":
        if self.since < self.opened:
            raise PydanticCustomError("since_before_opened", "no state before the contract began")
        return self


class FullEnd(Strict):
    """What the file must have held."""

    kind: Literal["full.end"]
    contracts: Annotated[int, Field(ge=0)]
    accounts: Annotated[int, Field(ge=0)]


StatusLine = Annotated[StatusEvent | FullBegin | FullContract | FullEnd, Field(discriminator="kind")]
"""A line of either sort of file."""


@dataclass(frozen=True, slots=True)
class PlacedContract:
    """A contract with the line of its file on which it stands, from 1."""

    line: int
    contract: FullContract


@dataclass(frozen=True, slots=True)
class FullFile:
    """A full file that was found whole. `contracts` can be gone through more than once, and reads what it gives."""

    begin: FullBegin
    end: FullEnd
    contracts: Iterable[PlacedContract]
