#!/usr/bin/env bash
# Compile the locked requirements: every version with its hashes, no address of an index.
# runtime: what `make run` installs. dev: all that the tests need. image: no embedded stores, nothing to build with.
set -euo pipefail
cd "$(dirname "$0")/.."
common=(--generate-hashes --universal --python-version 3.11 --no-emit-index-url --custom-compile-command tools/lock.sh -q)
here=(--extra local --group build)
uv pip compile pyproject.toml "${common[@]}" "${here[@]}" "$@" -o requirements/runtime.txt
uv pip compile pyproject.toml "${common[@]}" "${here[@]}" --group dev --extra otel -c requirements/runtime.txt "$@" -o requirements/dev.txt
uv pip compile pyproject.toml "${common[@]}" --extra otel -c requirements/dev.txt "$@" -o requirements/image.txt
