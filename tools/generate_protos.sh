#!/bin/sh
# Generate the gRPC code from protos/. With --check: write nothing here, and fail when what is here is stale.
# PYTHON names the interpreter that has grpcio-tools and mypy-protobuf; their plugins and buf stand beside it.
#
# protos/published.binpb is what callers were given last: whatever breaks them is refused, and what only adds becomes
# the next thing they are given. To break them on purpose, delete it first.
set -eu
cd "$(dirname "$0")/.."
PYTHON="${PYTHON:-python}"
GENERATED=entrypoints/rpc/_generated
PUBLISHED=protos/published.binpb
PATH="$(dirname "$(command -v "$PYTHON")"):$PATH"

generate() {
    mkdir -p "$1/$GENERATED"
    "$PYTHON" -m grpc_tools.protoc -Iprotos "--python_out=$1/$GENERATED" "--grpc_python_out=$1/$GENERATED" \
        "--mypy_out=quiet:$1/$GENERATED" "--mypy_grpc_out=quiet:$1/$GENERATED" protos/frontdesk/v1/*.proto
    # The plugins import by the names of our files, which are no packages of Python.
    sed -i.old "s#^from frontdesk\.#from $(echo "$GENERATED" | tr / .).frontdesk.#" "$1/$GENERATED"/frontdesk/v1/*.py*
    rm "$1/$GENERATED"/frontdesk/v1/*.old
}

must_not_break() {
    [ ! -e "$PUBLISHED" ] || (cd protos && buf breaking --against published.binpb)
}

publish() {
    (cd protos && buf build --exclude-source-info -o "$1")
}

must_not_break

if [ "${1:-}" = "--check" ]; then
    fresh="$(mktemp -d)"
    trap 'rm -rf "$fresh"' EXIT
    generate "$fresh"
    diff -r -x __pycache__ "$fresh/$GENERATED" "src/$GENERATED" || {
        echo "The generated gRPC code is stale: run tools/generate_protos.sh and commit it." >&2
        exit 1
    }
    publish "$fresh/published.binpb"
    cmp -s "$fresh/published.binpb" "$PUBLISHED" || {
        echo "$PUBLISHED is stale: run tools/generate_protos.sh and commit it." >&2
        exit 1
    }
else
    rm -rf "src/$GENERATED"
    generate src
    publish published.binpb
fi
