"""The installation's keys: there, readable, made for this mode, and nobody else's to read."""

import stat
from collections.abc import Iterator
from pathlib import Path

from madoguchi.cli.doctor.findings import Finding, error, ok, warning
from madoguchi.installation import KeysRefused, check_key, key_files
from madoguchi.settings import Settings

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keys(settings: Settings) -> Iterator[Finding]:
    """Each key by itself, and the directory they lie in."""
    for path in key_files(settings):
        yield key(settings, path)
    folder = settings.data_dir
    if folder.is_dir():
        yield private("keys.directory", folder, folder.stat().st_mode, "700")


def key(settings: Settings, path: Path) -> Finding:
    """One key's file."""
    check = f"keys.{path.name.partition('.')[0].replace('-', '_')}"
    try:
        check_key(settings, path)
    except KeysRefused as refused:
        if settings.is_sandbox and not path.exists():
            return warning(
                check, f"鍵のファイル {path} は、まだありません。", "動かすとき(madoguchi serve)に作られます。"
            )
        sentence, _, remedy = str(refused).partition("。")
        return error(check, f"{sentence}。", remedy)
    except OSError as failure:
        return error(
            check, f"鍵のファイル {path} を読めません({failure.strerror})。", "持ち主と権限を確かめてください。"
        )
    return private(check, path, path.stat().st_mode, "600")


def private(check: str, path: Path, mode: int, wanted: str) -> Finding:
    """Whether nobody but its owner may come near it."""
    if mode & OTHERS:
        return error(
            check,
            f"{path} を、ほかのユーザーも読み書きできます(権限 {stat.S_IMODE(mode):03o})。",
            f"「chmod {wanted} {path}」を実行してください。読まれたおそれがあるときは、鍵を作り直します。",
        )
    return ok(check, f"{path} を読めるのは、持ち主だけです。")
