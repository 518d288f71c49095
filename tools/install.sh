#!/usr/bin/env bash
# Install what is locked into .venv: `tools/install.sh runtime` to run, `tools/install.sh dev` to work on the code too.
# Does nothing when that is installed already. Uses uv where it is found, else pip; both check every hash.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=$1
state() { cat "requirements/$1.txt" pyproject.toml | cksum; }
is_installed() { [ -f ".venv/.installed-$1" ] && [ "$(cat ".venv/.installed-$1")" = "$(state "$1")" ]; }

if is_installed "$wanted" || is_installed dev; then exit 0; fi

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Frontdesk needs Python 3.11 or newer; set PYTHON to where it is." >&2
    exit 1
}

python=$(find_python)
echo "Installing with $("$python" --version) …"
rm -rf .venv
if command -v uv >/dev/null; then
    uv venv -q --python "$(command -v "$python")" .venv
    uv pip sync -q --python .venv --require-hashes "requirements/$wanted.txt"
    uv pip install -q --python .venv --no-deps --no-build-isolation -e .
else
    "$python" -m venv .venv
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "requirements/$wanted.txt"
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
fi
state "$wanted" >".venv/.installed-$wanted"
