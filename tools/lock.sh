#!/usr/bin/env bash
# Compile the locked requirements: every version with its hashes, no address of an index.
set -euo pipefail
cd "$(dirname "$0")/.."
common=(--generate-hashes --universal --python-version 3.11 --no-emit-index-url --custom-compile-command tools/lock.sh --extra local --group build -q)
uv pip compile pyproject.toml "${common[@]}" "$@" -o requirements/runtime.txt
uv pip compile pyproject.toml "${common[@]}" --group dev --extra otel -c requirements/runtime.txt "$@" -o requirements/dev.txt
