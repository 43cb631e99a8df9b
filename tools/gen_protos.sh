#!/usr/bin/env bash
# Regenerates the committed Python stubs from protos/, with the oldest grpcio-tools supported.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${VENV_BIN:-.venv/bin}
out=${1:-protos}
"$bin/python" -m grpc_tools.protoc -I protos \
  --plugin=protoc-gen-mypy_grpc="$bin/protoc-gen-mypy_grpc" \
  --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" --mypy_grpc_out="$out" \
  protos/sori/v1/speech.proto
