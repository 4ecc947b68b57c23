"""What the documentation tells a developer to type and to ask is typed and asked here, at a real server.

Every block of commands says whether it is run (tests/support/readme.py); every operation fits the schema and is
answered in full to a token that carries everything. What the pages state is test_documented_facts.py's.
"""

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate

from tests.developer.documents import DOCS, Fence, fences, pages
from tests.developer.recipes import RECIPES, Recipe
from tests.developer.served_sample import BINARIES, NewSample, ServedSample, served_sample
from tests.support.readme import Block, blocks, unprinted
from tests.support.server import free_port
from tests.support.tree import ROOT

WRITTEN_ADDRESS, WRITTEN_CALLBACK = "127.0.0.1:8000", "127.0.0.1:8765"
TAKEN = "10000001"
"""The customer that the quickstart tells a developer to take."""
ANOTHER = "10000002"
LAST = "sandbox.md"
"""Its commands move the clock of the credit union, so they are typed after all others."""
DONE = "--- done"


def operations() -> list[Fence]:
    files = [Fence(path.name, "", path.read_text("utf-8")) for path in sorted((DOCS / "operations").glob("*.graphql"))]
    return [*fences("graphql"), *files]


def to_type() -> list[Path]:
    """The pages with commands to run, LAST at the end."""
    told = [page for page in pages() if any(block.mark == "run" for block in blocks(page.read_text("utf-8")))]
    return sorted(told, key=lambda page: page.name == LAST)


@pytest.fixture(scope="module")
def bank(new_sample: NewSample, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSample]:
    with served_sample(new_sample(tmp_path_factory.mktemp("installation") / "data")) as one:
        yield one


class Asking:
    """The Python recipe with a customer's registration that carries everything."""

    def __init__(self, folder: Path, bank: ServedSample) -> None:
        recipe = Recipe("python", folder)
        recipe.designate(bank, "--identifier", "number", "--identifier", "holder")
        running, url = recipe.start_connecting()
        assert httpx.get(bank.decide(url, ANOTHER)).status_code == 200
        assert recipe.finished(running).code == 0
        spec = importlib.util.spec_from_file_location("documented_recipe", RECIPES / "aggregator.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self._folder = folder
        self._aggregator = self._there(module.Aggregator)
        data, _ = self("{ accounts { id } }")
        self.account = data["accounts"][0]["id"]

    def __call__(self, document: str, **variables: Any) -> tuple[Any, Any]:
        return self._there(self._aggregator.ask, document, **variables)

    def _there(self, action: Any, *arguments: Any, **named: Any) -> Any:
        before = Path.cwd()
        os.chdir(self._folder)
        try:
            return action(*arguments, **named)
        finally:
            os.chdir(before)


class Terminal:
    """One bash in which a page's blocks are typed, one after the other, as a reader has one terminal."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "-euo", "pipefail"],
            cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, bufsize=1,
        )  # fmt: skip

    def type(self, commands: str, on_line: Any) -> str:
        """Type them, wait until they are done, and return what they printed; `on_line` sees each line."""
        stdin, stdout = self._pipes
        stdin.write(f"{commands}\necho '{DONE}'\n")
        stdin.flush()
        printed = []
        for line in stdout:
            if line.strip() == DONE:
                return "".join(printed)
            printed.append(line)
            on_line(line)
        raise AssertionError(f"the commands failed:\n{commands}\n{''.join(printed)}")

    def close(self) -> None:
        self._pipes[0].close()
        self._bash.kill()
        self._bash.wait()

    @property
    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        return self._bash.stdin, self._bash.stdout


def test_every_block_of_commands_says_whether_it_is_run() -> None:
    written = {page.name: list(blocks(page.read_text("utf-8"))) for page in pages()}
    assert sum(block.mark == "run" for block in written["quickstart.md"]) >= 7
    assert [block.commands for block in written["quickstart.md"] if block.mark == "serve"] == ["make run\n"]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.place)
def test_every_operation_fits_the_schema(operation: Fence) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text("utf-8"))
    assert not validate(schema, parse(operation.body))


def test_every_operation_is_answered_in_full(bank: ServedSample, tmp_path_factory: pytest.TempPathFactory) -> None:
    ask = Asking(tmp_path_factory.mktemp("developer") / "asking", bank)
    ending = [each for each in operations() if "endRegistration" in each.body]
    for operation in [*(each for each in operations() if each not in ending), *ending]:
        definition = parse(operation.body).definitions[0]
        assert isinstance(definition, OperationDefinitionNode)
        named = {variable.variable.name.value for variable in definition.variable_definitions or ()}
        given = {name: value for name, value in {"account": ask.account, "after": None}.items() if name in named}
        data, errors = ask(operation.body, **given)
        assert not errors, f"{operation.place}: {errors}"
        assert None not in data.values(), operation.place
    assert len(ending) == 1


@pytest.mark.parametrize("page", to_type(), ids=lambda page: page.name)
def test_what_a_page_tells_to_type_works(page: Path, bank: ServedSample, tmp_path: Path) -> None:
    """In the order of the page, in one terminal that stands in a clone; a browser plays the customer."""
    written = [block for block in blocks(page.read_text("utf-8")) if block.mark == "run"]
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".venv").symlink_to(BINARIES.parent)
    path = f"{BINARIES}:{bank.environment['PATH']}" if page.name != "quickstart.md" else bank.environment["PATH"]
    callback = f"127.0.0.1:{free_port()}"

    def customer(line: str) -> None:
        if "/authorize?" in line:
            assert httpx.get(bank.decide(line.strip(), TAKEN)).status_code == 200

    terminal = Terminal(clone, {**bank.environment, "PATH": path})
    try:
        for block in written:
            printed = terminal.type(_here(block, bank, callback), customer)
            assert not unprinted(block, printed), f"{page.name} line {block.line} promises other words than\n{printed}"
    finally:
        terminal.close()


def _here(block: Block, bank: ServedSample, callback: str) -> str:
    return block.commands.replace(WRITTEN_ADDRESS, f"127.0.0.1:{bank.server.port}").replace(WRITTEN_CALLBACK, callback)
