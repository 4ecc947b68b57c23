"""What the documentation makes from the code is complete: schema, error codes, settings, the status feed's lines."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
)

import madoguchi
from madoguchi.doors.api.errors import catalogue
from madoguchi.doors.api.guards import guard_of
from madoguchi.doors.api.schema import build_schema as built_schema
from madoguchi.doors.developer.documentation.error_reference import error_reference
from madoguchi.doors.developer.documentation.graphql_reference import reference
from madoguchi.doors.developer.documentation.highlighting import highlighted
from madoguchi.doors.developer.documentation.markdown import BadPage, Writer, japanese
from madoguchi.doors.developer.documentation.models import CodeBlock, Part
from madoguchi.procedures.status_feed.schema import status_feed_schema
from madoguchi.rules.vocabulary import clause_in_words
from madoguchi.settings import Settings
from tests.developer.documentation import Page, application, visiting
from tests.developer.documents import DOCS
from tests.support.tree import ROOT

SDL = (ROOT / "schema.graphql").read_text("utf-8")


@pytest.fixture(scope="module")
def sandbox() -> Any:
    return application()


async def read(app: Any, name: str) -> Page:
    with visiting(app) as http:
        return Page((await http.get(f"/developer/{name}")).text)


def parts_of_the_schema() -> Iterator[tuple[str, str | None]]:
    """Anchor and description of everything in the schema."""
    schema = build_schema(SDL)
    for name, kind in schema.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLEnumType):
            yield from ((f"{name}.{value}", told.description) for value, told in kind.values.items())
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, told in kind.fields.items():
                yield f"{name}.{field}", told.description
                yield from ((f"{name}.{field}.{arg}", one.description) for arg, one in told.args.items())
    for directive in schema.directives:
        if not is_specified_directive(directive):
            yield f"directive.{directive.name}", directive.description
            yield from ((f"directive.{directive.name}.{arg}", one.description) for arg, one in directive.args.items())


async def test_the_reference_has_every_type_field_argument_value_and_directive_with_its_words(sandbox: Any) -> None:
    page = await read(sandbox, "graphql")
    words = re.sub(r"\s+", " ", page.words)
    missing = []
    for anchor, description in parts_of_the_schema():
        told = re.sub(r" \(scope [^()]*; clause [\d-]+\)$", "", (description or "").replace("`", ""))
        if anchor not in page.ids or told not in words:
            missing.append(anchor)
    assert missing == []
    assert sum(1 for _ in parts_of_the_schema()) > 200


async def test_each_type_leads_to_where_it_is_used(sandbox: Any) -> None:
    links = (await read(sandbox, "graphql")).links
    assert {"#Query.account", "#Query.accounts", "#Registration.accounts", "#Account.transactions.order"} <= {*links}


def test_what_the_reference_says_of_guards_is_what_the_api_enforces() -> None:
    core = built_schema().core
    shown = {
        member.anchor: member.scopes
        for group in reference(SDL).groups
        for one in group.definitions
        for member in one.members
    }
    checked = 0
    for name, kind in core.type_map.items():
        if is_introspection_type(kind) or not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        for field, told in kind.fields.items():
            guard = guard_of(kind, told)
            assert {*shown[f"{name}.{field}"]} == {scope.value for scope in guard.scopes}, f"{name}.{field}"
            checked += bool(guard.scopes)
    assert checked > 50


async def test_every_code_of_the_graphql_door_is_in_the_catalogue_with_clause_status_and_advice(sandbox: Any) -> None:
    page = await read(sandbox, "errors")
    assert {*catalogue()} <= {*page.ids}
    made = error_reference((DOCS / "errors.toml").read_text("utf-8"), catalogue())
    for entry in made.graphql:
        clause, status, message = catalogue()[entry.code]
        assert (entry.where, entry.clause) == (f"HTTP {status}", clause_in_words(clause))
        assert Page(str(entry.message)).words == message.replace("`", "")
    for entry in (*made.graphql, *made.oauth):
        assert re.match(r"(Yes|No)[,;. ]", entry.retry), entry.code
        assert entry.cause.endswith(".")
        assert entry.remedy.endswith(".")


def test_a_code_without_words_and_words_without_a_code_stop_the_start() -> None:
    words = (DOCS / "errors.toml").read_text("utf-8")
    with pytest.raises(BadPage, match="NEW_CODE"):
        error_reference(words, {**catalogue(), "NEW_CODE": ("-", 200, "New.")})
    with pytest.raises(BadPage, match="INTERNAL"):
        error_reference(words, {code: told for code, told in catalogue().items() if code != "INTERNAL"})


REFUSERS = ("ProtocolError", "OAuthRefusal", "_refused", "refused", "__init__")
"""What the authorization server refuses with; the first argument, or the second of `refused`, is the code."""


def sent_by_the_authorization_server() -> set[str]:
    """The registered codes that stand in the code, and those that Authlib adds (doors/oauth/server.py)."""
    package = Path(madoguchi.__file__).parent
    files = [*package.glob("doors/oauth/*.py"), package / "doors/dpop.py", package / "doors/http.py"]
    files += [package / f"procedures/{name}.py" for name in ("authorizing", "tokens", "redeeming")]
    found = {"unsupported_grant_type", "invalid_request", "invalid_token"}
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                given = node.args[:2] if name in REFUSERS else []
                found |= {
                    one.value
                    for one in given
                    if isinstance(one, ast.Constant)
                    and isinstance(one.value, str)
                    and re.fullmatch("[a-z]+(_[a-z]+)+", one.value)
                }
    constants = (package / "procedures/consenting.py").read_text("utf-8")
    return found | set(re.findall(r'^[A-Z_]+: Final = "([a-z_]+)"$', constants, re.MULTILINE)) - {"approved"}


def test_every_registered_code_of_the_authorization_server_is_in_the_catalogue_and_no_other() -> None:
    made = error_reference((DOCS / "errors.toml").read_text("utf-8"), catalogue())
    assert {entry.code for entry in made.oauth} == sent_by_the_authorization_server()


async def test_every_setting_is_told_with_its_default(sandbox: Any) -> None:
    page = await read(sandbox, "settings")
    keys = [f"MADOGUCHI_{name.upper()}" for name in Settings.model_fields]
    assert [key for key in keys if key not in page.ids] == []
    undescribed = [name for name, field in Settings.model_fields.items() if len(field.description or "") < 20]
    assert undescribed == []
    words = re.sub(r"\s+", " ", page.words)
    assert "MADOGUCHI_DRAIN How long SIGTERM waits" in words
    assert "A duration in ISO 8601: PT90S, PT30M. Default PT15S." in words
    assert Settings(issuer="http://127.0.0.1", database_url="x", bank_code="2999", drain="PT90S").drain.seconds == 90


async def test_every_kind_of_line_of_the_status_feed_is_told_with_its_members(sandbox: Any) -> None:
    page = await read(sandbox, "feeds")
    schema = json.loads(status_feed_schema())
    kinds = [
        node["properties"]["kind"]["const"]
        for node in schema["$defs"].values()
        if "const" in str(node.get("properties", {}).get("kind"))
    ]
    assert len(kinds) == len(schema["oneOf"])
    assert {*kinds} <= {*page.ids}
    members = {name for node in schema["$defs"].values() for name in node.get("properties", {})}
    assert [name for name in members if name not in page.words] == []
    assert "/developer/status-feed.schema.json" in page.links


def writer(mode: str = "sandbox") -> Writer:
    return Writer(
        lambda block: f"<pre>{block.code}</pre>", {"made": lambda words: Part(japanese(f"made {words}"))}, str, mode
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("No heading.", "begins with"),
        ("# A\n\nLead.\n\n## B\n\n## B\n", "one id"),
        ("# A\n\nLead.\n\n```\nx\n```\n", "a language and a heading"),
        ("# A\n\nLead.\n\n{nothing}\n", "nothing is called"),
        ("# A\n\nLead.\n\n{only sandbox}\n\nx\n", "without {end}"),
        ("# A\n\nLead.\n\n## 口座\n", "needs an id"),
        ("# A\n\nLead.\n\n# B\n", "one `#` heading"),
        ("# A\n\nLead.\n\n```rust Crab\nx\n```\n", "no such language"),
    ],
)
def test_a_page_that_breaks_the_conventions_is_refused_with_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        writer().write(text)


def test_a_page_holds_no_html_of_its_own_and_marks_japanese() -> None:
    page = writer().write(
        "# Accounts (口座)\n\nLead <b>x</b>.\n\n## Why {#because}\n\n"
        "See 第2条第1項, `口座` and [it](x.md).\n\n{made of it}\n"
    )
    assert page.title == 'Accounts (<span lang="ja">口座</span>)'
    assert page.lead == "Lead &lt;b&gt;x&lt;/b&gt;."
    assert '<h2 id="because">Why</h2>' in page.body
    assert '<span lang="ja">第2条第1項</span>' in page.body
    assert "made of it" in page.body
    assert [heading.id for heading in page.headings] == ["because"]


def test_what_is_for_one_mode_only_is_left_out_in_the_other() -> None:
    text = "# A\n\nLead.\n\n{only sandbox}\n\nTry it.\n\n{end}\n\n{only production}\n\nReal.\n\n{end}\n\nBoth.\n"
    sandbox, production = (
        re.sub("<[^>]*>|\n", "", writer(mode).write(text).body) for mode in ("sandbox", "production")
    )
    assert (sandbox, production) == ("Try it.Both.", "Real.Both.")


def test_colours_change_no_sign_of_the_code_and_let_no_tag_through() -> None:
    code = 'query <b> { # 口座 "no string"\n  a(x: "b & \\" c") }\n'
    made = highlighted(code, "graphql")
    assert Page(str(made)).words == code
    assert "<b>" not in made
    assert '<span class="k">query</span>' in made
    assert '<span class="c"># 口座 &#34;no string&#34;</span>' in made


def test_a_code_block_says_what_it_is() -> None:
    shown: list[CodeBlock] = []
    Writer(lambda block: shown.append(block) or "", {}, str, "sandbox").write(
        "# A\n\nLead.\n\n```sh run: Keys\nls\n```\n"
    )
    assert [str(block.heading) for block in shown] == ["Keys"]
