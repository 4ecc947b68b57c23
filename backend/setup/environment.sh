#!/usr/bin/env bash
# Makes .venv hold exactly what a lock says, and the clone itself: `environment.sh requirements.txt`.
#
# Needs Python 3.11 or newer and either its ensurepip or a pip of its own; neither root nor a compiler: every package
# comes as a wheel whose hash stands in the lock (building one would run tools that no lock has named).
# Done once: a stamp in .venv holds the lock's digest and the place. A moved clone or another Python makes .venv anew.
set -euo pipefail
cd "$(dirname "$0")/../.."
lock=$1

fail() { printf '\n中止しました: %s\n' "$@" >&2; exit 1; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.11 python3.12 python3.13 python3.14; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 以上が見つかりません。入れてから、もう一度実行してください（場所の指定: make run PYTHON=/usr/bin/python3.11）。"
}

fits() { [ -x .venv/bin/python ] && .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

digest() { printf '%s %s\n' "$PWD" "$(cat "$1" pyproject.toml | sha256sum | cut -d ' ' -f 1)"; }
stamp() { echo ".venv/installed-$1.stamp"; }

moved() {
    local made
    for made in .venv/installed-*.stamp; do
        [ -e "$made" ] && [[ "$(cat "$made")" != "$PWD "* ]] && return 0
    done
    return 1
}

if fits && [ "$(cat "$(stamp "$lock")" 2>/dev/null)" = "$(digest "$lock")" ]; then
    exit 0
fi

[ -w . ] || fail "このフォルダーには書き込めません: $PWD（書き込めるところへ clone し直してください）"
python=$(find_python)

if ! fits || moved; then
    echo "== Python の環境を作ります: .venv（$("$python" --version)）"
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv --clear .venv || fail ".venv を作れませんでした。上の表示をご確認ください。"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --clear --without-pip .venv || fail ".venv を作れませんでした。上の表示をご確認ください。"
    else
        fail "pip がありません。root で「apt-get install python3-venv」を実行してから、もう一度お試しください。"
    fi
fi

# Debian's python3 without python3-venv has no ensurepip; its pip can serve another interpreter.
if .venv/bin/python -m pip --version >/dev/null 2>&1; then
    pip=(.venv/bin/python -m pip)
else
    pip=("$python" -m pip --python .venv/bin/python)
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1

log=.venv/install.log
total=$(grep -c '^[A-Za-z0-9]' "$lock")
echo "== $lock の $total 個のパッケージをそろえます（初回は1、2分。記録: $log）"
"${pip[@]}" install --no-deps --only-binary :all: --require-hashes --requirement "$lock" 2>&1 | tee "$log" |
    awk -v total="$total" '
        /^(Collecting|Requirement already satisfied:) / { n++; if (n % 10 == 0) { printf "   %d / %d\n", n, total; fflush() } }
        /^Installing collected packages/ { print "   取り込み中"; fflush() }
    ' || {
    tail -n 15 "$log" >&2
    fail "パッケージをそろえられませんでした。ネットワーク（社内の場合はプロキシの設定）を確かめて、もう一度実行してください。"
}
"${pip[@]}" install --no-deps --no-index --no-build-isolation --quiet --editable . >>"$log" 2>&1 || {
    tail -n 15 "$log" >&2
    fail "madoguchi を .venv に入れられませんでした。上の表示をご確認ください。"
}

digest "$lock" >"$(stamp "$lock")"
# The tests' lock holds everything of the other (tests/house compares them), so `make run` after it has nothing to do.
if [ "$lock" = requirements-test.txt ]; then digest requirements.txt >"$(stamp requirements.txt)"; fi
echo "== .venv の用意ができました"
