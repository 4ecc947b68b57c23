"""Completion: a real bash is given the script; zsh and fish are answered as their scripts ask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer._completion_shared import get_completion_script

from madoguchi.cli import completing, main
from tests import story
from tests.flows.test_command_line_help import COMMANDS
from tests.support.desk import Command, Desk
from tests.support.postgres import Cluster

PROGRAMS = Path(sys.executable).parent


def offered(shell: str, typed: str, desk: Desk | Command, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the program answers the script of a shell, when Tab is pressed behind what was typed."""
    words = typed.split(" ")
    monkeypatch.setenv("_MADOGUCHI_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", typed)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    desk.capture.readouterr()
    with pytest.raises(SystemExit) as ended:
        main((), lambda: desk.at)
    out, err = desk.capture.readouterr()
    assert (ended.value.code, err) == (0, ""), "never a complaint between the lines of a prompt"
    return out.strip()


def test_a_real_bash_completes_commands_options_and_choices(command: Command) -> None:
    script = (
        'eval "$(madoguchi --show-completion)"\n'
        "complete -p madoguchi\n"
        'for typed in "madoguchi reg" "madoguchi feed set" "madoguchi feed list --a"; do\n'
        "  COMP_WORDS=($typed); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()\n"
        "  _madoguchi_completion madoguchi\n"
        '  echo "${COMPREPLY[*]}"\n'
        "done\n"
    )
    environment = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "MADOGUCHI_DATA_DIR": str(command.data)}
    done = subprocess.run(["bash", "--norc"], input=script, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "complete -o default -F _madoguchi_completion madoguchi",
        "registration",
        "set-aside",
        "--all",
    ]
    assert not command.data.exists(), "nothing was made"


def test_zsh_and_fish_show_japanese_beside_what_they_offer(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\tAPI連携事業者。" in offered("fish", "madoguchi agg", command, monkeypatch)
    assert '"aggregator":"API連携事業者。"' in offered("zsh", "madoguchi agg", command, monkeypatch)
    assert "--until\tいつまで" in offered("fish", "madoguchi stop set --u", command, monkeypatch)
    for shell in completing.SHELLS:
        script = get_completion_script(prog_name="madoguchi", complete_var=completing.VARIABLE, shell=shell)
        assert "_MADOGUCHI_COMPLETE=" in script


def test_names_are_offered_from_the_records(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    told = f"{desk.told.kakeibo}\tみほん家計簿"
    desk("stop", "set", "branch", "002", "--reason", "点検", "--review-on", "2026-12-01")
    assert told in offered("fish", "madoguchi aggregator stop ", desk, monkeypatch)
    assert told in offered("fish", "madoguchi registration list --aggregator ", desk, monkeypatch)
    assert told in offered("fish", "madoguchi stop set aggregator ", desk, monkeypatch)
    assert "1\t点検" in offered("fish", "madoguchi stop lift ", desk, monkeypatch)
    assert "balances\t残高照会" in offered("fish", "madoguchi stop set function ", desk, monkeypatch)
    assert "10000001" in offered("bash", "madoguchi customer code ", desk, monkeypatch)


def test_customers_of_production_are_not_offered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in (("MODE", "production"), ("ISSUER", "https://api.mihon.example"), ("BANK_CODE", "2999")):
        monkeypatch.setenv(f"MADOGUCHI_{key}", value)
    assert offered("bash", "madoguchi customer code ", desk, monkeypatch) == ""
    assert desk.told.kakeibo in offered("bash", "madoguchi aggregator stop ", desk, monkeypatch)


def test_a_name_cannot_be_a_command_for_the_shell_that_shows_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """zsh evaluates what it is given; rich reads [/x] as markup and fails."""
    evil = "\\$(touch x)`y`'\";[/z]みほん"
    desk.ask(story.designate, evil, ("https://a.example/cb",))
    for shell in completing.SHELLS:
        answer = offered(shell, "madoguchi aggregator stop ", desk, monkeypatch)
        assert not set("\\$`;[") & set(answer.replace("_arguments '*: :((", ""))
    assert "touch xyzみほん" in offered("fish", "madoguchi aggregator stop ", desk, monkeypatch)


@pytest.mark.parametrize("words", [words for words in COMMANDS if not words.startswith("help")])
def test_no_place_complains_when_there_is_no_installation(
    command: Command, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    offered("bash", f"madoguchi {words} ", command, monkeypatch)
    assert not command.data.exists(), "and none makes one"


def test_a_database_that_does_not_answer_is_not_waited_for(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(completing, "GLANCE_SECONDS", 0.05)
    nobody = f"postgresql+asyncpg://nobody@/bank?host={tmp_path}"
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", nobody)
    assert offered("bash", "madoguchi aggregator stop ", command, monkeypatch) == ""
    damaged = tmp_path / "damaged.db"
    damaged.write_text("no database" * 1000)
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", f"sqlite+aiosqlite:///{damaged}")
    assert offered("bash", "madoguchi aggregator stop ", command, monkeypatch) == ""
    assert damaged.read_text().startswith("no database")


def test_a_look_at_postgresql_offers_the_same(
    postgres: Cluster, postgres_template: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADOGUCHI_DATABASE_URL", postgres.url(postgres_template))
    assert offered("bash", "madoguchi aggregator stop ", command, monkeypatch) == "", "nobody is registered there"


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_a_shell_that_has_none_is_told_which_have(
    command: Command, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr(completing, "_get_shell_name", lambda: "tcsh")
    said = command(option)
    assert (said.code, said.out) == (1, "")
    assert "bash、zsh、fish" in said.err


def test_installing_writes_to_the_home_of_who_asks(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(completing, "_get_shell_name", lambda: "bash")
    said = command("--install-completion")
    assert (said.code, "端末を開き直すと使えます" in said.err) == (0, True)
    assert "_madoguchi_completion" in (tmp_path / ".bash_completions" / "madoguchi.sh").read_text()
