"""One installation's own things beside its settings: keys in the data directory, documents of the sample.

Its clock is the machine's; a sandbox's can be stepped ahead of it (`madoguchi sandbox clock`).

Three files hold the keys, readable by their owner only: `master.key` (256 bits, of which pairwise ids and other keys
are derived), `server.jwks.json` (what we sign with) and `sample-aggregator.jwks.json` (sandbox only). Each says in
which mode it was made, so that production refuses what a sandbox made, wherever the file was copied to.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from joserfc.jwk import ECKey

from madoguchi import opaque
from madoguchi.clock import Clock, SteppedClock, system_clock
from madoguchi.settings import Mode, Settings

MASTER_BYTES = 32
MASTER = "master.key"
SERVER = "server.jwks.json"
SAMPLE_AGGREGATOR = "sample-aggregator.jwks.json"
CLOCK = "clock"
"""In a sandbox: by how many seconds its clock was stepped ahead of the machine's."""


class KeysRefused(Exception):
    """A key is missing, damaged or of the other mode; the message says which file and what to do, in Japanese."""


@dataclass(frozen=True, slots=True)
class Keys:
    """`server_jwks` and `sample_aggregator` are private key sets (RFC 7517); the latter is empty in production."""

    master: bytes = field(repr=False)
    server_jwks: Mapping[str, Any] = field(repr=False)
    sample_aggregator: Mapping[str, Any] = field(repr=False)


def clock_of(settings: Settings, machine: Clock = system_clock) -> Clock:
    """The clock of this installation: in production the machine's and no other, whatever lies in its directory."""
    return SteppedClock(settings.data_dir / CLOCK, machine) if settings.is_sandbox else machine


def load_keys(settings: Settings) -> Keys:
    """The keys in `settings.data_dir`. Raises KeysRefused; OSError when the directory cannot be read."""
    none: Mapping[str, Any] = {"keys": []}
    return Keys(
        master=_load_master(settings),
        server_jwks=_load_set(settings, SERVER),
        sample_aggregator=_load_set(settings, SAMPLE_AGGREGATOR) if settings.is_sandbox else none,
    )


def key_files(settings: Settings) -> list[Path]:
    """The files that hold the keys of this mode, whether they are there or not."""
    names = (MASTER, SERVER, SAMPLE_AGGREGATOR) if settings.is_sandbox else (MASTER, SERVER)
    return [settings.data_dir / name for name in names]


def check_key(settings: Settings, file: Path) -> None:
    """Read one of `key_files` as `load_keys` does. Raises KeysRefused; OSError when it cannot be read."""
    if file.name == MASTER:
        _load_master(settings)
    else:
        _load_set(settings, file.name)


def make_keys(settings: Settings) -> list[Path]:
    """Make the keys that are not there yet (0600, in a directory of 0700); returns the new files, none is replaced."""
    wanted = {MASTER: _new_master, SERVER: _new_set}
    if settings.is_sandbox:
        wanted[SAMPLE_AGGREGATOR] = _new_set
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = []
    for name, make in wanted.items():
        path = settings.data_dir / name
        if not path.exists():
            _write_private(path, make(settings.mode))
            made.append(path)
    return made


def public_half(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """A key set as it may be published: without any private number."""
    return {"keys": [ECKey.import_key(key).as_dict(private=False) for key in jwks["keys"]]}


def open_in(folder: Path, name: str, flags: int = 0) -> IO[str]:
    """Open a file of the data directory for reading and writing, made 0600 if it is not there.

    Raises PermissionError that names the folder: it is what the operator knows and can mend.
    """
    try:
        return os.fdopen(os.open(folder / name, os.O_RDWR | os.O_CREAT | flags, 0o600), "r+", encoding="utf-8")
    except PermissionError as refused:
        raise PermissionError(refused.errno, refused.strerror, str(folder)) from None


def sample_document(name: str) -> bytes:
    """A document of the sample by its name, from the clone (`backend/sample`) or from inside an installed wheel."""
    here = Path(__file__).parent
    for directory in (here.parent / "sample", here / "sample"):
        if (directory / name).is_file():
            return (directory / name).read_bytes()
    raise FileNotFoundError(f"見本の文書 {name} がありません。")


def _new_master(mode: Mode) -> str:
    # Taken from a secret of 256 random bits, as `opaque` makes them.
    key = opaque.derive_key(opaque.new_secret("").encode(), "master")
    return f"madoguchi {mode} {base64.urlsafe_b64encode(key).decode()}\n"


def _new_set(mode: Mode) -> str:
    bare = ECKey.generate_key("P-256")
    key = bare.as_dict(private=True) | {"kid": bare.thumbprint(), "use": "sig", "alg": "ES256"}
    return json.dumps({"made_for": mode, "keys": [key]}, indent=1) + "\n"


def _write_private(path: Path, text: str) -> None:
    """Complete or not at all: a start that was interrupted leaves no half a key."""
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with open_in(path.parent, unfinished.name, os.O_EXCL) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _load_master(settings: Settings) -> bytes:
    path = settings.data_dir / MASTER
    try:
        word, mode, text = _read(path).split()
        key = base64.urlsafe_b64decode(text)
    except (ValueError, binascii.Error):
        raise _damaged(path) from None
    if word != "madoguchi" or len(key) != MASTER_BYTES:
        raise _damaged(path)
    _check_mode(settings, path, mode)
    return key


def _load_set(settings: Settings, name: str) -> Mapping[str, Any]:
    path = settings.data_dir / name
    try:
        read = json.loads(_read(path))
        private = [key["kid"] for key in read["keys"] if key["d"]]
        mode = read["made_for"]
    except (ValueError, KeyError, TypeError):
        raise _damaged(path) from None
    if not private:
        raise _damaged(path)
    _check_mode(settings, path, mode)
    return {"keys": read["keys"]}


def _read(path: Path) -> str:
    if not path.exists():
        raise KeysRefused(
            f"鍵のファイル {path} がありません。「madoguchi keys new」で作るか、保管しているものを戻してください。"
        )
    return path.read_text("utf-8")


def _check_mode(settings: Settings, path: Path, mode: str) -> None:
    if mode != settings.mode:
        ours = "本番" if settings.mode is Mode.PRODUCTION else "試験環境"
        raise KeysRefused(
            f"鍵のファイル {path} は{ours}のために作られたものではありません。"
            "MADOGUCHI_DATA_DIR に別の場所を指定し、「madoguchi keys new」で作ってください。"
        )


def _damaged(path: Path) -> KeysRefused:
    return KeysRefused(f"鍵のファイル {path} を読めません。保管しているものを戻してください。")
