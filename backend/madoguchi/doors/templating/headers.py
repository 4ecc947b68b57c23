"""Headers of every HTML page, and what guards the answers that are none.

Source: the page policy of the design (Content Security Policy Level 3, Trusted Types), FAPI 2.0 section 5.3.2.2
(frame protection on every page, the error page included).
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action {form_action}; "
    "require-trusted-types-for 'script'; trusted-types 'none'; report-uri /csp-report"
)

_EDITOR_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; "
    "report-uri /csp-report"
)


def page_headers(form_origins: Iterable[str] = ()) -> dict[str, str]:
    """The headers of one page.

    form_origins  where a form's redirect may lead besides this server: on the consent page only, and only from the
                  aggregator's record (registered redirect URI and return origins), never from a request. A web
                  address counts with its origin, another one (native app) with its scheme.
    Raises ValueError for an address without a scheme or with characters that could end the directive.
    """
    allowed = dict.fromkeys(["'self'", *map(_source, form_origins)])
    return {
        "Content-Security-Policy": _POLICY.format(form_action=" ".join(allowed)),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def editor_headers() -> dict[str, str]:
    """The headers of the one page that holds an editor nobody here wrote (GraphiQL, sandbox only).

    It writes HTML by itself, so that no Trusted Types are demanded, and its pictures stand in its style sheet. All else
    is as strict as everywhere: no inline script, no inline style, no other host.
    """
    return page_headers() | {"Content-Security-Policy": _EDITOR_POLICY}


class SafeAnswers:
    """ASGI layer: no answer is taken for another type than it says, and plain text without a policy may do nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                if headers.get("content-type", "").startswith("text/plain"):
                    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
                    headers["X-Frame-Options"] = "DENY"
            await send(message)

        await self.app(scope, receive, send_guarded)


def _source(address: str) -> str:
    parts = urlsplit(address)
    web = parts.scheme in ("http", "https")
    source = f"{parts.scheme}://{parts.netloc}" if web else f"{parts.scheme}:"
    if not parts.scheme or (web and not parts.hostname) or any(sign in source for sign in " ;,'\"*@\r\n\t"):
        raise ValueError("not an address that a form may lead to")
    return source
