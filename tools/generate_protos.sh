#!/bin/sh
# Generate the gRPC code from protos/. With --check: write nothing here, and fail when what is here is stale.
# PYTHON names the interpreter that has grpcio-tools and mypy-protobuf; their plugins stand beside it.
set -eu
cd "$(dirname "$0")/.."
PYTHON="${PYTHON:-python}"
GENERATED=entrypoints/rpc/_generated

generate() {
    mkdir -p "$1"
    # The virtual path gives absolute imports, at the price that our files may not import each other.
    PATH="$(dirname "$(command -v "$PYTHON")"):$PATH" "$PYTHON" -m grpc_tools.protoc \
        "-I$GENERATED=protos" --python_out="$1" --grpc_python_out="$1" "--mypy_out=quiet:$1" "--mypy_grpc_out=quiet:$1" \
        protos/frontdesk/v1/*.proto
}

if [ "${1:-}" = "--check" ]; then
    fresh="$(mktemp -d)"
    trap 'rm -rf "$fresh"' EXIT
    generate "$fresh"
    diff -r -x __pycache__ "$fresh/$GENERATED" "src/$GENERATED" || {
        echo "The generated gRPC code is stale: run tools/generate_protos.sh and commit it." >&2
        exit 1
    }
else
    rm -rf "src/$GENERATED"
    generate src
fi
