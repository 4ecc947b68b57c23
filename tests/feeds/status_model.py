"""The status feed by a little model of dictionaries, and random histories that a core-banking system could tell.

It knows nothing of files, tables or the code under test: an event changes the model, and the model writes a full file.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from madoguchi.procedures.feeds.values import AccountKey
from madoguchi.rules.vocabulary import JST
from tests.feeds.events import account, event, full_account, full_contract, full_file

Whose = tuple[str, str]  # customer number and product
Choose = Callable[[Sequence[Any]], Any]
BEGINNING = datetime(2026, 11, 1, 9, 0, tzinfo=JST)
HOLDERS = tuple((number, product) for number in ("10000001", "10000002") for product in ("personal", "business"))
KEYS = tuple(AccountKey(branch, "1", f"000000{number}") for branch in ("002", "003") for number in range(6))


@dataclass
class Contract:
    opened: datetime
    since: datetime
    state: str = "live"


@dataclass
class Account:
    name: int  # for ever
    whose: Whose
    state: str = "registered"
    former: list[AccountKey] = field(default_factory=list)


@dataclass
class Model:
    contracts: dict[Whose, Contract] = field(default_factory=dict)
    accounts: dict[AccountKey, Account] = field(default_factory=dict)
    left: list[AccountKey] = field(default_factory=list)  # numbers that an account had before
    branches: set[str] = field(default_factory=set)  # told by an account.registered
    sequence: int = 0

    @property
    def now(self) -> datetime:
        return BEGINNING + timedelta(minutes=self.sequence)

    def shown(self) -> dict[Any, tuple[Any, ...]]:
        """What must be found in the books."""
        contracts = {whose: (one.state, one.since) for whose, one in self.contracts.items()}
        return {**contracts, **{key: (one.whose, one.state) for key, one in self.accounts.items()}}

    def full_file(self) -> bytes:
        lines = []
        for (number, product), contract in self.contracts.items():
            own = [
                full_account(key, one.state, former_accounts=[account(former) for former in one.former])
                for key, one in self.accounts.items()
                if one.whose == (number, product)
            ]
            began = {"opened": contract.opened.isoformat(), "since": contract.since.isoformat()}
            line = full_contract(*own, customer_number=number, product=product, state=contract.state, **began)
            lines.append(line)
        return full_file(self.sequence, *lines, as_of=self.now.isoformat())

    def happen(self, choose: Choose) -> dict[str, object]:
        """Something that can happen now, as an event; afterwards it has."""
        self.sequence += 1
        opened = [whose for whose in HOLDERS if whose in self.contracts and self.contracts[whose].state != "cancelled"]
        unopened = [whose for whose in HOLDERS if whose not in opened]
        kinds = ["open"] * bool(unopened) + ["contract", "contract", "register", "register", "deceased"] * bool(opened)
        if any(one.whose in opened for one in self.accounts.values()):
            kinds += ["account", "account", "renumber", "renumber"]
        happened: dict[str, object] = getattr(self, f"_{choose(kinds)}")(choose, opened, unopened)
        return happened

    def _event(self, kind: str, whose: Whose, **more: object) -> dict[str, object]:
        told = event(self.sequence, kind, customer_number=whose[0], product=whose[1], **more)
        return {**told, "time": self.now.isoformat()}

    def _open(self, choose: Choose, opened: list[Whose], unopened: list[Whose]) -> dict[str, object]:
        whose = choose(unopened)
        self.contracts[whose] = Contract(self.now, self.now)
        return self._event("contract.opened", whose, customer_name="見本 花子", customer_kana="ﾐﾎﾝ ﾊﾅｺ")

    def _contract(self, choose: Choose, opened: list[Whose], unopened: list[Whose]) -> dict[str, object]:
        whose, (kind, state) = choose(opened), choose(list(STATES.items()))
        self._set(self.contracts[whose], state)
        return self._event(kind, whose)

    def _set(self, contract: Contract, state: str) -> None:
        if contract.state != state:
            contract.state, contract.since = state, self.now

    def _deceased(self, choose: Choose, opened: list[Whose], unopened: list[Whose]) -> dict[str, object]:
        number = choose(opened)[0]
        for whose, contract in self.contracts.items():
            if whose[0] == number and contract.state == "live":
                self._set(contract, "suspended")
        told = self._event("customer.deceased", (number, ""))
        return {key: value for key, value in told.items() if key != "product"}

    def _register(self, choose: Choose, opened: list[Whose], unopened: list[Whose]) -> dict[str, object]:
        whose = choose(opened)
        key = choose([key for key in KEYS if key not in self.accounts or self.accounts[key].whose[0] == whose[0]])
        there = self.accounts.setdefault(key, Account(self.sequence, whose))
        there.whose, there.state = whose, "registered"
        self.branches.add(key.branch_code)
        branch = {"branch_name": "本店営業部", "branch_kana": "ﾎﾝﾃﾝ", "holder_kana": "ﾐﾎﾝ ﾊﾅｺ"}
        return self._event("account.registered", whose, account=account(key), **branch)

    def _account(self, choose: Choose, opened: list[Whose], unopened: list[Whose]) -> dict[str, object]:
        key = choose([key for key, one in self.accounts.items() if one.whose in opened])
        one, kind = self.accounts[key], choose(["removed", "closed", "frozen"])
        if kind == "closed" or (kind == "removed" and one.state != "closed") or one.state == "registered":
            one.state = kind
        return self._event(f"account.{kind}", one.whose, account=account(key))

    def _renumber(self, choose: Choose, opened: list[Whose], unopened: list[Whose]) -> dict[str, object]:
        old = choose([key for key, one in self.accounts.items() if one.whose in opened])
        known = [key for key in KEYS if key.branch_code in self.branches and key not in self.accounts]
        # A number is not left twice: a full file could not say whose it was.
        free = known if known and old not in self.left else [old]
        new, one = choose(free), self.accounts[old]
        told = self._event("account.renumbered", one.whose, account=account(old), new_account=account(new))
        if new != old:
            self.accounts[new] = self.accounts.pop(old)
            one.former.append(old)
            self.left.append(old)
        return told


STATES = {"contract.suspended": "suspended", "contract.resumed": "live", "contract.cancelled": "cancelled"}


@dataclass(frozen=True)
class Told:
    """A history: every event, and the model as it was after so many of them."""

    events: tuple[dict[str, object], ...]
    after: tuple[Model, ...]


def tell_history(length: int, choose: Choose) -> Told:
    model, events, after = Model(), [], [Model()]
    for _ in range(length):
        events.append(model.happen(choose))
        after.append(deepcopy(model))
    return Told(tuple(events), tuple(after))
