"""Lines of full files about the story's two customers, 見本花子 and 見本次郎."""

from madoguchi.procedures.feeds.values import AccountKey
from tests.feeds.books import CURRENT, ORDINARY
from tests.feeds.events import full_account, full_contract

SAVINGS, TIME = AccountKey("003", "1", "0678901"), AccountKey("002", "6", "0051122")
JIRO = AccountKey("003", "1", "0777777")


def hers(*accounts: dict[str, object], **more: object) -> dict[str, object]:
    """Her contract, with the four accounts that she has in the story unless others are given."""
    return full_contract(*(accounts or [full_account(key) for key in (ORDINARY, CURRENT, SAVINGS, TIME)]), **more)


def his(*accounts: dict[str, object], **more: object) -> dict[str, object]:
    told = {"customer_number": "10000002", "customer_name": "見本 次郎", "customer_kana": "ﾐﾎﾝ ｼﾞﾛｳ", **more}
    return full_contract(*(accounts or [full_account(JIRO)]), **told)
