"""What a nightly reconciliation changed, told to the operator (全件照合の結果).

Customers and accounts are told by their last four digits and our own row numbers: the report of a nightly job ends up
in mails and logs. The row numbers lead to the acts in the trail, which has every change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from madoguchi.rules.vocabulary import AccountState, ContractState, Product

CHANGES_TOLD: Final = 200
"""So many are told one by one; memory and screen do not hold them all."""

Changes = Mapping[str, tuple[Any, Any]]
"""Of each column that differs, what stood there and what stands there now."""

PRODUCTS: Final = {Product.PERSONAL: "個人", Product.BUSINESS: "法人"}
_STATES: Final = {
    ContractState.LIVE: "利用中",
    ContractState.SUSPENDED: "停止中",
    ContractState.CANCELLED: "解約",
    AccountState.REGISTERED: "登録",
    AccountState.REMOVED: "登録なし",
    AccountState.FROZEN: "凍結",
    AccountState.CLOSED: "閉鎖",
}
_COLUMNS: Final = {
    "name": "氏名",
    "name_kana": "氏名カナ",
    "mail_address": "メールアドレス",
    "phrase": "合言葉",
    "opened": "解約とその後の再契約",
    "state_since": "状態の日時",
    "contract_id": "契約",
    "holder_kana": "口座名義",
    "nickname": "呼び名",
    "product_code": "商品コード",
    "number": "店番・口座番号",
}


@dataclass(slots=True)
class Reconciled:
    """Filled line by line; str() is one Japanese line, `details` the rest."""

    contracts: int = 0  # in the file
    accounts: int = 0
    changed: int = 0
    ended: int = 0  # registrations
    skipped: tuple[int, int] | None = None  # numbers of events that never came and that the file made up for
    changes: list[str] = field(default_factory=list)  # the first CHANGES_TOLD

    def tell(self, whose: str, changes: Changes) -> None:
        """Count a change, and keep its sentence as long as there are few."""
        self.changed += 1
        if len(self.changes) < CHANGES_TOLD:
            self.changes.append(f"{whose}: {in_words(changes)}")

    @property
    def figures(self) -> dict[str, Any]:
        """For the trail and for programs."""
        return {
            "contracts": self.contracts,
            "accounts": self.accounts,
            "changed": self.changed,
            "ended": self.ended,
            "skipped": self.skipped,
        }

    def __str__(self) -> str:
        held = f"全件照合: 契約{self.contracts:,}件・口座{self.accounts:,}件"
        if not self.changed and not self.ended:
            return f"{held}。違いはありません。"
        return f"{held}。{self.changed:,}件を直し、利用登録を{self.ended:,}件終了しました。"

    @property
    def details(self) -> list[str]:
        """One Japanese sentence each."""
        sentences = list(self.changes)
        if self.changed > len(self.changes):
            sentences.append(f"ほか {self.changed - len(self.changes):,}件を直しました(すべて記録にあります)。")
        if self.skipped:
            first, last = self.skipped
            numbers = f"{first}" if first == last else f"{first}〜{last}"
            sentences.append(f"届いていなかった sequence {numbers} のイベントの分は、この全件照合で埋まりました。")
        return sentences


def in_words(changes: Changes) -> str:
    """利用中 → 解約、呼び名を変更. Values of the state alone: names and addresses are not told."""
    told = []
    if "state" in changes:
        before, after = changes["state"]
        told.append(f"追加({_STATES[after]})" if before is None else f"{_STATES[before]} → {_STATES[after]}")
    others = [_COLUMNS[name] for name in changes if name != "state"]
    if others:
        told.append(f"{'・'.join(others)}を変更")
    return "、".join(told)
