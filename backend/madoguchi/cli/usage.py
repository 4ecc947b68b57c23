"""What was typed and not understood, told in Japanese: which word, what is expected there, and whose help to read.

Typer speaks English only; its kinds of error and the parameter's own type say what happened. Where it has no kind of
its own (an unknown command, a word too many) the word is taken from its message.
"""

import re
from typing import Any

from typer._click.exceptions import BadOptionUsage, BadParameter, MissingParameter, NoSuchOption, UsageError
from typer.core import TyperArgument, TyperGroup
from typer.exceptions import TyperException

NUMBERS = (int, float)


def misunderstanding(failure: TyperException) -> str:
    """The whole answer, of two lines."""
    context = getattr(failure, "ctx", None)
    command = context.command_path if context else "madoguchi"
    return f"使い方が違います: {_sentence(failure)}\n「{command} --help」で使い方を確かめてください。"


def _sentence(failure: TyperException) -> str:
    match failure:
        case NoSuchOption():
            like = "、".join(sorted(failure.possibilities or ()))
            return f"{failure.option_name} という指定はありません。" + (f"近いもの: {like}。" if like else "")
        case MissingParameter():
            return f"{_name(failure.param)} がありません。"
        case BadParameter():
            return f"{_name(failure.param)} には、{_expected(failure.param)}を指定してください。"
        case BadOptionUsage() if "does not take" in failure.message:
            return f"{failure.option_name} には、値を付けられません。"
        case BadOptionUsage():
            return f"{failure.option_name} の値がありません。"
        case UsageError(ctx=context) if context and isinstance(context.command, TyperGroup):
            unknown = re.search(r"No such command '(.*?)'", failure.message)
            return f"{unknown[1]} というコマンドはありません。" if unknown else "コマンドがありません。"
        case UsageError():
            surplus = re.search(r"unexpected extra argument.*? \((.*)\)$", failure.message, re.DOTALL)
            if surplus:
                return f"余分な語があります({surplus[1]})。"
    return "読めない書き方です。"


def _name(parameter: Any) -> str:
    """As the help writes it: `--port`, `ID`."""
    if isinstance(parameter, TyperArgument):
        return (parameter.metavar or parameter.name.upper()).strip("[].")
    return parameter.get_error_hint().replace("'", "") if parameter else "値"


def _expected(parameter: Any) -> str:
    if parameter is None:
        return "読める値"
    kind, limits = parameter.type_descriptor, parameter.type_descriptor.parameter_info
    if kind.is_choice:
        return "、".join(str(getattr(one, "value", one)) for one in kind.choices) + " のどれか"
    if limits.min is not None and limits.max is not None:
        return f"{limits.min} から {limits.max} までの数"
    if limits.min is not None:
        return f"{limits.min} 以上の数"
    if limits.max is not None:
        return f"{limits.max} 以下の数"
    return "数" if kind.annotation in NUMBERS else "読める値"
