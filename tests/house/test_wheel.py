"""The wheel is whole: in an environment that holds nothing else it serves the sample credit union."""

import http.client
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.server import free_port, running_server
from tests.support.tree import ROOT


def test_the_wheel_installs_in_an_empty_environment_and_serves_a_page_with_its_style(tmp_path: Path) -> None:
    building = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    _python(Path(sys.executable), *building)
    (wheel,) = tmp_path.glob("*.whl")

    _python(Path(sys.executable), "-m", "venv", "--without-pip", str(tmp_path / "venv"))
    python = tmp_path / "venv/bin/python"
    pip = ("-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-compile")
    lock = str(ROOT / "requirements.txt")
    _python(Path(sys.executable), *pip, "--only-binary", ":all:", "--require-hashes", "--requirement", lock)
    _python(Path(sys.executable), *pip, "--no-index", str(wheel))
    where = _python(python, "-c", "import madoguchi; print(madoguchi.__file__)")
    assert where.startswith(str(tmp_path / "venv")), "the clone must not help"

    command = (str(tmp_path / "venv/bin/madoguchi"), "serve", "--sample", "--port", "{port}")
    own = free_port()
    with running_server({"MADOGUCHI_OPERATION_PORT": str(own)}, command=command, folder=tmp_path) as server:
        status, home = _get(server.port, "/")
        assert status == 200
        styles = re.findall(r'<link[^>]+href="(/[^"]+\.css)"', home)
        assert styles
        assert [_get(server.port, path)[0] for path in styles] == [200] * len(styles)
        asked = re.search(r'"-c", "(import urllib.*?)"\]', (ROOT / "backend/deploy/Containerfile").read_text("utf-8"))
        assert asked
        _python(python, "-c", asked[1].replace("9464", str(own)))  # as the container's engine asks for its health

        status, editor = _get(server.port, "/developer/graphiql")
        parts = re.findall(r'"(/static/built/graphiql\.\w+\.(?:css|js))"', editor)
        assert (status, len(parts)) == (200, 2), "the wheel carries GraphiQL as it was built"
        assert [_get(server.port, path)[0] for path in parts] == [200, 200]


def _python(python: Path, *arguments: str) -> str:
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [python, *arguments], cwd=python.parent, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
