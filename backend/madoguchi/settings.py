"""Settings: the environment (`MADOGUCHI_*`) made into one frozen value, checked at start.

Sandbox and production are two modes of the same code. `problems()` names everything that forbids a start,
so that an operator mends all of it at once.
"""

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from madoguchi.rules.quotas import Allowance

LARGEST_OPERATION: Final = 12_000
"""Cost of the largest operation that is served (doors/api/limits.py): a smaller budget could never pay for it."""


FEED_EBCDIC = ("cp290", "cp1027")
"""Kana tables of EBCDIC (doors/core_banking/zengin_code.py)."""
FEED_SEPARATORS = ("auto", "none", "crlf", "lf")
"""What may part the records of a Zengin file (doors/core_banking/zengin_file.py)."""


class Mode(StrEnum):
    SANDBOX = "sandbox"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """One installation's settings. Every key is read from `MADOGUCHI_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_", frozen=True, extra="forbid")

    mode: Mode = Field(
        Mode.SANDBOX,
        description="Production refuses http, the sample's login, keys that a sandbox made and missing secrets; a "
        "sandbox marks every page as a sample (見本) and has the sample aggregator, GraphiQL and the commands of "
        "`sandbox`.",
    )
    issuer: str = Field(
        description="The one address of this installation: issuer identifier (RFC 8414) and base of all its URLs. Only "
        "its host is answered. Production needs https; the sandbox may stand at `http://127.0.0.1` with a port.",
        json_schema_extra={"unit": "a scheme, a host and perhaps a port, without a path or a final slash"},
    )
    database_url: str = Field(
        description="Where the records (記録) are kept. More than one worker process needs PostgreSQL.",
        json_schema_extra={"unit": "`sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://…`"},
    )
    data_dir: Path = Field(
        Path("data"),
        description="Where the keys are and, by default, the SQLite file: never in version control. Production may "
        "serve with it read-only.",
        json_schema_extra={"unit": "a folder"},
    )
    workers: int = Field(1, ge=1, description="Worker processes. More than one needs PostgreSQL.")
    sample_login: bool = Field(
        False,
        description="The sample internet-banking login, with its page of invented customers. `serve --sample` sets it; "
        "production refuses it.",
        json_schema_extra={"modes": "the sandbox only"},
    )
    bank_code: str = Field(
        pattern=r"^\d{4}$",
        description="Bank code (銀行コード) of this institution: feeds of another one are refused.",
        json_schema_extra={"unit": "4 digits"},
    )
    full_file_ends_percent: int = Field(
        10,
        ge=0,
        le=100,
        description="Share of the contracts, and of their accounts, that full files (全件照合) may end in a day, or 20 "
        "in number if that is no more than half. More is refused; `feed import --force` says that it is meant.",
        json_schema_extra={"unit": "percent"},
    )
    feed_ebcdic: str = Field(
        "cp290",
        description="The kana table of Zengin files in EBCDIC: `cp290` (カタカナ拡張) or `cp1027` (英小文字拡張).",
        json_schema_extra={"unit": "`cp290` or `cp1027`"},
    )
    feed_separator: str = Field(
        "auto",
        description="What parts the records of Zengin files; `auto` looks after the first record.",
        json_schema_extra={"unit": "`auto`, `none`, `crlf` or `lf`"},
    )
    access_token_lifetime: timedelta = Field(
        timedelta(seconds=300),
        description="Life of an access token, which is one unattended session too. Never longer than the registration.",
    )
    code_lifetime: timedelta = Field(
        timedelta(seconds=60), description="Life of an authorization code. At most 60 seconds (FAPI 2.0 5.3.2.1-11)."
    )
    request_uri_lifetime: timedelta = Field(
        timedelta(seconds=90),
        description="How long a pushed request may wait for a browser. Less than 600 seconds (FAPI 2.0 5.3.2.2-12).",
    )
    consent_page_lifetime: timedelta = Field(
        timedelta(minutes=30), description="Life of a consent page (同意画面), and by how much its button extends it."
    )
    consent_page_ceiling: timedelta = Field(
        timedelta(minutes=60), description="Life of a consent page in all, however often it is extended."
    )
    fresh_login: timedelta = Field(
        timedelta(minutes=5),
        description="How old a login may be when the consent page is shown (4-1); an older one is asked for again.",
    )
    connections: int = Field(
        700, ge=16, description="Open connections of one process; then the one that idles longest makes room."
    )
    at_work: int = Field(
        8,
        ge=1,
        description="Requests at work at once in one process and lane: queries, tokens, pages. PostgreSQL needs four "
        "times as many connections a process, and two.",
    )
    waiting: int = Field(
        64, ge=0, description="Requests waiting for that in each lane; more get 503 with `Retry-After` at once."
    )
    # Quotas (security.md 14, rules/quotas.py): attended calls by the second, unattended ones by sessions, all by cost.
    attended_calls_per_second: int = Field(
        10,
        ge=1,
        description="Attended calls (with `x-fapi-customer-ip-address`) of one registration in a second; more get 429 "
        "with `Retry-After`.",
    )
    aggregator_attended_calls_per_second: int = Field(
        50, ge=1, description="Attended calls of one aggregator, all its registrations together, in a second."
    )
    unattended_sessions_per_day: int = Field(
        20, ge=1, description="Access tokens that one registration uses unattended in a day of Japan."
    )
    unattended_calls_per_session: int = Field(100, ge=1, description="Unattended calls with one access token.")
    # Twenty of the largest operations, or 140 times two accounts with 50 rows each (workload A costs 1,690).
    registration_cost_per_minute: int = Field(
        240_000,
        ge=LARGEST_OPERATION,
        description="Cost of one registration's operations in a minute, attended and unattended apart.",
    )
    # 590 of workload A a second for a whole minute: more than one machine serves, so that a nightly batch runs freely
    # and only what has lost its way is stopped.
    aggregator_cost_per_minute: int = Field(
        60_000_000,
        ge=LARGEST_OPERATION,
        description="Cost of one aggregator's operations in a minute, attended and unattended apart.",
    )
    drain: timedelta = Field(
        timedelta(seconds=15),
        description="How long SIGTERM waits for accepted requests; a second signal ends at once.",
    )

    operation_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port of /health and /metrics, apart from the public one; without it nothing listens there",
    )
    operation_host: str = Field(
        "127.0.0.1",
        description="Address at which that port is open; another than this machine's own only inside a closed network",
    )

    @property
    def host(self) -> str:
        """The one Host (with port) this installation answers to."""
        return urlsplit(self.issuer).netloc

    @property
    def allowance(self) -> Allowance:
        """The quotas of this installation."""
        return Allowance(
            attended_calls=self.attended_calls_per_second,
            aggregator_attended_calls=self.aggregator_attended_calls_per_second,
            sessions=self.unattended_sessions_per_day,
            session_calls=self.unattended_calls_per_session,
            registration_cost=self.registration_cost_per_minute,
            aggregator_cost=self.aggregator_cost_per_minute,
            session_lifetime=self.access_token_lifetime,
        )

    @property
    def is_sandbox(self) -> bool:
        return self.mode is Mode.SANDBOX

    @property
    def secure(self) -> bool:
        """Whether pages are served over https, so that cookies carry `__Host-` and Secure."""
        return self.issuer.startswith("https://")

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    def problems(self) -> list[str]:
        """What forbids a start, in Japanese for the operator; an empty list means that nothing does."""
        found = []
        # The doors stand at the root of their host: RFC 8414's path is not served.
        if not _is_bare(self.issuer):
            found.append(
                "MADOGUCHI_ISSUER: https://api.example のように、パスや末尾の /、? や # のないURLを指定してください。"
            )
        loopback = re.fullmatch(r"http://127\.0\.0\.1(:\d+)?", self.issuer) is not None
        if not self.secure and not loopback:
            found.append("MADOGUCHI_ISSUER: https が必要です(例外は http://127.0.0.1 の試験環境だけです)。")
        if not self.is_sandbox and loopback:
            found.append("MADOGUCHI_ISSUER: 本番では http を使えません。")
        if not self.is_sandbox and self.sample_login:
            found.append("MADOGUCHI_SAMPLE_LOGIN: 本番では見本のログインを使えません。")
        if not _is_database(self.database_url):
            # Without the value: it may hold a password.
            found.append(
                "MADOGUCHI_DATABASE_URL: sqlite+aiosqlite:///ファイル名 か postgresql+asyncpg://… の形にしてください。"
            )
        if self.feed_ebcdic not in FEED_EBCDIC:
            found.append(f"MADOGUCHI_FEED_EBCDIC: {'、'.join(FEED_EBCDIC)} のどれかにしてください。")
        if self.feed_separator not in FEED_SEPARATORS:
            found.append(f"MADOGUCHI_FEED_SEPARATOR: {'、'.join(FEED_SEPARATORS)} のどれかにしてください。")
        if self.workers > 1 and self.is_sqlite:
            found.append("MADOGUCHI_WORKERS: 2つ以上にするには PostgreSQL が必要です(MADOGUCHI_DATABASE_URL)。")
        if not timedelta(0) < self.request_uri_lifetime < timedelta(seconds=600):
            found.append("MADOGUCHI_REQUEST_URI_LIFETIME: 600秒未満にしてください(FAPI 2.0 5.3.2.2-12)。")
        if not timedelta(0) < self.code_lifetime <= timedelta(seconds=60):
            found.append("MADOGUCHI_CODE_LIFETIME: 60秒以下にしてください(FAPI 2.0 5.3.2.1-11)。")
        return found


def _is_bare(issuer: str) -> bool:
    """Whether it is a scheme, a host and perhaps a port, as a browser would write them, and nothing else."""
    try:
        url = urlsplit(issuer)
        bare = issuer == f"{url.scheme}://{url.netloc}" and "@" not in url.netloc
        return bare and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _is_database(address: str) -> bool:
    """Whether it names one of the two databases; whether anything answers there is not asked."""
    try:
        url = urlsplit(address)
        if url.scheme == "sqlite+aiosqlite":
            return not url.netloc and url.path.strip("/") != ""
        return url.scheme == "postgresql+asyncpg" and url.path.strip("/") != "" and url.port != 0
    except ValueError:
        return False
