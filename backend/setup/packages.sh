#!/usr/bin/env bash
# What the tests need of Debian: a browser, its Japanese fonts, a library of Playwright's driver, PostgreSQL's programs,
# and systemd's, which looks over our units.
# Installs what is missing, as root; tells anybody else the one line to run.
# Never a cluster of Debian's: the tests make one of their own.
set -euo pipefail

fail() { printf '\n中止しました: %s\n' "$@" >&2; exit 1; }

any() { [ -e "$1" ]; }

machine=${MACHINE:-} # the root folder to look below: another one only in the test of this script
missing=()
[ -x "$machine"/usr/bin/chromium-headless-shell ] || missing+=(chromium-headless-shell)
any "$machine"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc || missing+=(fonts-noto-cjk)
any "$machine"/usr/lib/*/libatomic.so.1 || missing+=(libatomic1)
any "$machine"/usr/lib/postgresql/*/bin/initdb || missing+=(postgresql)
[ -x "$machine"/usr/bin/systemd-analyze ] || missing+=(systemd)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    fail "検査に要るパッケージがありません（${missing[*]}）。root で次の1行を実行してから、もう一度お試しください。
  make -C '$(cd "$(dirname "$0")/../.." && pwd)' test-packages"
fi
command -v apt-get >/dev/null || fail "apt-get がありません。${missing[*]} に当たるものを入れてから、もう一度お試しください。"

echo "== Debian のパッケージを入れます: ${missing[*]}"
settings=/etc/postgresql-common/createcluster.d/no-main-cluster-for-tests.conf
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    # Debian would make and start a cluster at once; the setting goes away again with this script.
    mkdir -p "$(dirname "$settings")"
    echo "create_main_cluster = false" >"$settings"
    trap 'rm -f "$settings"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update </dev/null
apt-get -q -y --no-install-recommends install "${missing[@]}" </dev/null ||
    fail "パッケージを入れられませんでした。上の表示をご確認ください。"
