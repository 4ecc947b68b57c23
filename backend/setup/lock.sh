#!/usr/bin/env bash
# Writes the locks anew from pyproject.toml and package.json: every hash, no host name. `lock.sh upgrade` takes the newest.
set -euo pipefail
cd "$(dirname "$0")/../.."

compile() {
    .venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --no-build --generate-hashes \
        --custom-compile-command "make lock" "$@"
}
echo "== requirements.txt"
compile --group build --output-file requirements.txt ${1:+--upgrade}
echo "== requirements-test.txt"
compile --group test --constraint requirements.txt --output-file requirements-test.txt ${1:+--upgrade}
for folder in tests/clients frontend/graphiql; do
    echo "== $folder/package-lock.json"
    (cd "$folder" && ../../.venv/bin/npm install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error)
done
# npm copies each author's donation address into the lock; ours names no host at all.
.venv/bin/python - tests/clients frontend/graphiql <<'PYTHON'
import json, pathlib, sys

for folder in sys.argv[1:]:
    lock = pathlib.Path(folder, "package-lock.json")
    content = json.loads(lock.read_text("utf-8"))
    for package in content["packages"].values():
        package.pop("funding", None)
    lock.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
PYTHON
