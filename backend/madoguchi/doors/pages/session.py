"""The browser's session cookie, and how a posted form proves that it comes from our own page in this browser.

Source: RFC 6265bis (`__Host-`, SameSite), Fetch Metadata; security.md 5. A form's token is an HMAC over the session,
the pushed request, the form and what the page stated, so that it serves nowhere else; nothing is stored for it.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from madoguchi import opaque
from madoguchi.doors.http import cookies
from madoguchi.settings import Settings

_NAME: Final = "madoguchi"


def cookie_name(settings: Settings) -> str:
    """With `__Host-` wherever the pages are served over https; browsers refuse it on http://127.0.0.1."""
    return f"__Host-{_NAME}" if settings.secure else _NAME


def session_hash(request: Request, settings: Settings) -> str | None:
    """What the records know the browser's session by; None without a cookie."""
    cookie = cookies(request).get(cookie_name(settings))
    return opaque.stored(cookie) if cookie else None


def set_session(response: Response, cookie: str, settings: Settings) -> None:
    """Give the browser its session, until it is closed; how long it serves is kept in the records."""
    response.set_cookie(cookie_name(settings), cookie, path="/", secure=settings.secure, httponly=True, samesite="lax")


def form_token(master: bytes, session: str, request_id: str, form: str, stated: str = "") -> str:
    """The token of one form: of this browser session, this pushed request, this form, and what the page stated."""
    return f"{stated}.{_mac(master, session, request_id, form, stated)}"


def stated_in(token: str, master: bytes, session: str | None, request_id: str, form: str) -> str | None:
    """What the page with this token stated; None when the token is not of this session, request and form."""
    stated, _, mac = token.rpartition(".")
    if session is None or not opaque.same(mac, _mac(master, session, request_id, form, stated)):
        return None
    return stated


def is_same_origin(request: Request, settings: Settings) -> bool:
    """Whether a POST comes from one of our own pages, as far as the browser tells.

    Our pages have the policy no-referrer, with which browsers send `Origin: null`; then Sec-Fetch-Site speaks, and for
    browsers that know neither the form token (with SameSite) decides alone.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    return origin in (None, "null", settings.issuer)


def _mac(master: bytes, session: str, request_id: str, form: str, stated: str) -> str:
    return opaque.derive_key(master, "form", session, request_id, form, stated).hex()
