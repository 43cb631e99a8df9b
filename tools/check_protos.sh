#!/usr/bin/env bash
# Fails when the committed Python stubs are not what protos/ gives now.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
tools/gen_protos.sh "$fresh"
for stub in "$fresh"/sori/v1/*; do
  diff -u "protos/sori/v1/$(basename "$stub")" "$stub" || {
    echo "protos/sori/v1/$(basename "$stub") is out of date: run 'make protos'" >&2
    exit 1
  }
done
