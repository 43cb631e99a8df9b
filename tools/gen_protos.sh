#!/usr/bin/env bash
# Regenerates what is made from protos/ and committed: the Python stubs, with the oldest
# grpcio-tools supported, and the JSON Schema.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${VENV_BIN:-.venv/bin}
out=${1:-protos}
"$bin/python" -m grpc_tools.protoc -I protos \
  --plugin=protoc-gen-mypy_grpc="$bin/protoc-gen-mypy_grpc" \
  --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" --mypy_grpc_out="$out" \
  protos/sori/v1/speech.proto
"$bin/python" tools/gen_schema.py "$out/jsonschema/stream-v1.schema.json"
