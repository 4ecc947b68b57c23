"""The listening sockets of `madoguchi serve`, taken before anything else, so that a port in use is told at once."""

import errno
import socket

from madoguchi.cli import running
from madoguchi.cli.failures import Trouble
from madoguchi.settings import Settings


def public_listener(host: str, port: int) -> socket.socket:
    """Where customers and aggregators come in. Raises Trouble."""
    try:
        return _listening(host, port)
    except PermissionError:
        raise Trouble(f"ポート {port} を使う権限がありません。1024 以上の番号を --port で指定してください。") from None
    except OSError as failure:
        if not _is_taken(failure):
            raise Trouble(f"アドレス {host} で待ち受けられません。--host を確かめてください。") from None
        raise Trouble(
            f"ポート {port} は、ほかのプログラムが使っています。別の番号を指定してください"
            f"(例: make run PORT={port + 1}、madoguchi serve --port {port + 1})。"
        ) from None


def operators_listener(settings: Settings) -> socket.socket | None:
    """Where the operator's machines ask for /health and /metrics; None unless the settings name a port."""
    if settings.operation_port is None:
        return None
    try:
        return _listening(settings.operation_host, settings.operation_port)
    except OSError as failure:
        reason = (
            f"ポート {settings.operation_port} は、ほかのプログラムが使っています。別の番号にしてください"
            if _is_taken(failure)
            else "ここでは待ち受けられません。MADOGUCHI_OPERATION_HOST も確かめてください"
        )
        raise Trouble(f"MADOGUCHI_OPERATION_PORT: {reason}。") from None


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(running.BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def _is_taken(failure: OSError) -> bool:
    return not isinstance(failure, socket.gaierror) and failure.errno == errno.EADDRINUSE
