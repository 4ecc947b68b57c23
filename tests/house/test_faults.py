"""Every class of faults that others had is held by a test that names it: `@pytest.mark.fault("GraphQL CSRF")`."""

import ast

from tests.support.tree import python_files

FAULTS = {
    "algorithm confusion": "Authlib CVE-2024-37568",
    "key from the token's own header": "Authlib CVE-2026-27962",
    "oversized or compressed JOSE": "CVE-2025-61920, CVE-2025-62706",
    "redirect before the redirect_uri is verified": "CVE-2026-41479, CVE-2026-44681",
    "consent finished in another browser": "Hydra #770; login CSRF",
    "assertion replay": "Hydra GHSA-3p3g-vpw6-4w66",
    "refresh and code races": "Keycloak CVE-2026-1035",
    "one-time store without namespaces": "Keycloak CVE-2026-4282",
    "code of another client": "Keycloak CVE-2026-16089",
    "jti window against skew": "Keycloak #43505",
    "proof required at one endpoint only": "Keycloak #36475",
    "redirect_uri parser tricks": "Keycloak CVE-2026-7504, CVE-2024-8883",
    "lock checked at one step only": "Keycloak CVE-2026-9798",
    "WebSocket skips authentication": "Strawberry CVE-2026-35523",
    "GraphQL CSRF": "Strawberry #3645",
    "limits bypassed through fragments": "Strawberry #4421, graphql-armor #824",
    "quadratic validation": "graphql-js CVE-2023-26144",
    "Range and form floods": "Starlette CVE-2025-62727, CVE-2024-47874",
    "Host trust": "Starlette CVE-2026-48710",
    "log injection": "OWASP ASVS 5.0, V16",
}
"""Class -> who had it."""


def named_classes() -> set[str]:
    """What the marks in front of the tests name."""
    found = set()
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ()
            for call in decorators:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault":
                    found.add(ast.literal_eval(call.args[0]))
    return found


def test_every_class_of_faults_has_a_test_and_every_mark_names_a_class() -> None:
    assert named_classes() == set(FAULTS)
