"""The `madoguchi` command: one module a subject. Here: the commands' order, and how each kind of failure ends.

Exit codes: 0 done, 1 not done (the sentence says why and what to do), 2 the command was not understood, 3 something
that was handed in was refused (blocks of a feed, an aggregator's details). Until officers have accounts the actor of
every act is `os-user:NAME`, by the real user of the process.
"""

import os
import sys
from collections.abc import Sequence

from typer.exceptions import Abort, TyperException

from madoguchi.cli import (
    aggregators,
    backups,
    completing,
    customers,
    doctor,
    explaining,
    feeds,
    helping,
    installing,
    institution,
    registrations,
    sandbox,
    schema,
    service,
    serving,
    stops,
    terms,
)
from madoguchi.cli.context import Office
from madoguchi.cli.failures import sentence_of
from madoguchi.cli.manual import Audience
from madoguchi.cli.manual.commands import Commands
from madoguchi.cli.usage import misunderstanding
from madoguchi.cli.words import visible_lines
from madoguchi.clock import Clock, system_clock

app = Commands(
    """信用組合のAPI連携の窓口。

    環境変数がなければ、「make run」で動く見本の信用組合に対して働きます。
    本番の設定は、環境変数 MADOGUCHI_… で行います。

    プログラムから使うときは --json を付けます。標準出力には JSON の文書が1つだけ出て、日時は +09:00 の付いた ISO 8601、
    キーは英小文字です。できなかったときの標準出力は空で、理由の文は標準エラー出力に出ます。終了コードは変わりません。
    """,
    name="madoguchi",
)
app.callback()(completing.completion)
app.command("help", hidden=True)(helping.help_)

app.add_typer(service.app, name="service", rich_help_panel=Audience.OFFICER)
app.add_typer(stops.app, name="stop", rich_help_panel=Audience.OFFICER)
app.add_typer(aggregators.app, name="aggregator", rich_help_panel=Audience.OFFICER)
app.add_typer(registrations.app, name="registration", rich_help_panel=Audience.OFFICER)
app.command("explain", rich_help_panel=Audience.OFFICER)(explaining.explain)
app.add_typer(terms.app, name="terms", rich_help_panel=Audience.OFFICER)
app.add_typer(institution.app, name="institution", rich_help_panel=Audience.OFFICER)

app.command("serve", rich_help_panel=Audience.OPERATOR)(serving.serve)
app.command("doctor", rich_help_panel=Audience.OPERATOR)(doctor.doctor)
app.add_typer(feeds.app, name="feed", rich_help_panel=Audience.OPERATOR)
app.add_typer(installing.database, name="db", rich_help_panel=Audience.OPERATOR)
app.add_typer(installing.keys, name="keys", rich_help_panel=Audience.OPERATOR)
app.command("backup", rich_help_panel=Audience.OPERATOR)(backups.backup)
app.command("restore", rich_help_panel=Audience.OPERATOR)(backups.restore_)

app.add_typer(sandbox.app, name="sandbox", rich_help_panel=Audience.DEVELOPER)
app.add_typer(customers.app, name="customer", rich_help_panel=Audience.DEVELOPER)
app.command("schema", rich_help_panel=Audience.DEVELOPER)(schema.schema)


def main(arguments: Sequence[str] | None = None, clock: Clock = system_clock) -> int:
    """Run one command and return its exit code; `arguments` are those of the process unless given."""
    if completing.VARIABLE in os.environ:
        completing.ready()
    try:
        asked = sys.argv[1:] if arguments is None else arguments
        code = app(asked or ["--help"], prog_name="madoguchi", standalone_mode=False, obj=Office(clock))
        return code if isinstance(code, int) else 0
    except Abort:
        print("やめました。", file=sys.stderr)
        return 1
    except TyperException as misunderstood:
        print(visible_lines(misunderstanding(misunderstood)), file=sys.stderr)
        return misunderstood.exit_code
    except Exception as failure:
        sentence, code = sentence_of(failure)
        print(visible_lines(sentence), file=sys.stderr)
        return code
