"""C1 login of the sample internet banking: one form with customer number, password and one-time code.

What was wrong is never told per field (known and unknown customer numbers answer alike); only empty or misshapen
fields are named.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class LoginField(StrEnum):
    """Names of the form's fields, as posted."""

    CUSTOMER_NUMBER = "customer_number"
    PASSWORD = "password"
    ONE_TIME_CODE = "one_time_code"


class LoginError(StrEnum):
    """What the error summary says. The first three belong to their field, the last to the form."""

    CUSTOMER_NUMBER_MISSING = "お客さま番号を数字8けたで入れてください"
    PASSWORD_MISSING = "パスワードを入れてください"
    ONE_TIME_CODE_MISSING = "ワンタイムパスワードを数字6けたで入れてください"
    NOT_ACCEPTED = "お客さま番号、パスワード、ワンタイムパスワードのどれかが違います"

    @property
    def field(self) -> LoginField:
        """The field that the summary's link leads to."""
        return _FIELD_OF[self]


_FIELD_OF = {
    LoginError.CUSTOMER_NUMBER_MISSING: LoginField.CUSTOMER_NUMBER,
    LoginError.PASSWORD_MISSING: LoginField.PASSWORD,
    LoginError.ONE_TIME_CODE_MISSING: LoginField.ONE_TIME_CODE,
    LoginError.NOT_ACCEPTED: LoginField.CUSTOMER_NUMBER,
}


@dataclass(frozen=True, slots=True)
class LoginPage:
    """Posts `form_token`, `customer_number`, `password`, `one_time_code` to `action`.

    back_url               a link (GET) of ours that returns to the aggregator with `access_denied`.
    customer_number        as posted, so that it need not be typed again; the other two never come back.
    sample_customers_url   sandbox only: where the sample logins are listed.
    is_again               the form was sent twice: its code is used up, and another is needed.
    """

    template: ClassVar[str] = "pages/login.html"

    aggregator: str
    action: str
    form_token: str
    back_url: str
    customer_number: str = ""
    errors: tuple[LoginError, ...] = ()
    sample_customers_url: str | None = None
    is_again: bool = False

    @property
    def not_accepted(self) -> bool:
        return LoginError.NOT_ACCEPTED in self.errors

    def error_of(self, field: str) -> LoginError | None:
        """What is wrong with one field; None when it is not named by any error."""
        named = (error for error in self.errors if error is not LoginError.NOT_ACCEPTED)
        return next((error for error in named if error.field == field), None)
