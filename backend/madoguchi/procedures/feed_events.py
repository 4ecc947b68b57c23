"""The internet-banking status feed (インターネットバンキングの契約・登録の連携): its events, one strict model a kind.

Source: no public standard; the format is ours and its JSON Schema is made from these models. They are also the values
that the procedure takes, since a second set of the same words would only drift from the first.
Reading lines is doors/core_banking/status_feed.py's subject, acting on events feed_status.py's.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from madoguchi.procedures.feed_values import AccountKey
from madoguchi.rules.plain_text import is_plain
from madoguchi.rules.vocabulary import AccountKind, Product


def _plain(text: str) -> str:
    if not is_plain(text):
        raise ValueError("no control or formatting characters")
    return text


Plain = AfterValidator(_plain)
"""Names come onto pages and into terminals: nothing in them that nobody sees."""

CustomerNumber = Annotated[str, Field(pattern=r"^[0-9]{8}$", description="お客さま番号, 8 digits")]
MailAddress = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), Plain]
Phrase = Annotated[str, Field(min_length=1, max_length=40, description="お客さまの合言葉, shown after login"), Plain]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class EventAccount(_Strict):
    """An account as the bank knows it."""

    branch_code: Annotated[str, Field(pattern=r"^[0-9]{3}$")]
    kind: AccountKind
    number: Annotated[str, Field(pattern=r"^[0-9]{7}$")]

    @property
    def key(self) -> AccountKey:
        return AccountKey(self.branch_code, self.kind.value, self.number)


class AnyEvent(_Strict):
    kind: str
    event_id: Annotated[str, Field(min_length=1, max_length=64), Plain]
    sequence: Annotated[int, Field(ge=1, description="without gaps; a gap is an alarm")]
    time: AwareDatetime
    customer_number: CustomerNumber


class AnyContractEvent(AnyEvent):
    product: Product


class ContractOpened(AnyContractEvent):
    """An internet-banking contract begins."""

    kind: Literal["contract.opened"]
    customer_name: Annotated[str, Field(min_length=1, max_length=100), Plain]
    customer_kana: Annotated[str, Field(min_length=1, max_length=100), Plain]
    mail_address: MailAddress | None = None
    phrase: Phrase | None = None


class ContractSuspended(AnyContractEvent):
    """Still a contract: paused, not ended (1-2-1, 7-3)."""

    kind: Literal["contract.suspended"]


class ContractResumed(AnyContractEvent):
    kind: Literal["contract.resumed"]


class ContractCancelled(AnyContractEvent):
    """Ends every registration under it (5-2)."""

    kind: Literal["contract.cancelled"]


class AnyAccountEvent(AnyContractEvent):
    account: EventAccount


class AccountRegistered(AnyAccountEvent):
    """The account can be used in internet banking (2-2)."""

    kind: Literal["account.registered"]
    branch_name: Annotated[str, Field(min_length=1, max_length=40), Plain]
    branch_kana: Annotated[str, Field(max_length=40), Plain]
    holder_kana: Annotated[str, Field(max_length=40), Plain]
    label: Annotated[str, Field(max_length=40, description="the customer's own name for it"), Plain] | None = None
    product_code: Annotated[
        str, Field(max_length=10, description="商品コード, for the products excluded by 2-2"), Plain
    ] = ""


class AccountRemoved(AnyAccountEvent):
    """Taken out of internet banking; the account itself lives on."""

    kind: Literal["account.removed"]


class AccountClosed(AnyAccountEvent):
    kind: Literal["account.closed"]


class AccountFrozen(AnyAccountEvent):
    kind: Literal["account.frozen"]


class AccountRenumbered(AnyAccountEvent):
    """店番・口座番号の変更: the same account under a new key."""

    kind: Literal["account.renumbered"]
    new_account: EventAccount


class CustomerDeceased(AnyEvent):
    """相続: all contracts of the customer."""

    kind: Literal["customer.deceased"]


class ContactChanged(AnyContractEvent):
    """What is absent stays as it was."""

    kind: Literal["contact.changed"]
    mail_address: MailAddress | None = None
    phrase: Phrase | None = None


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
    | ContactChanged,
    Field(discriminator="kind"),
]
