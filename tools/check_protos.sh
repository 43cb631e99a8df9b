#!/usr/bin/env bash
# Fails when the committed Python stubs and JSON Schema are not what protos/ gives now.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
tools/gen_protos.sh "$fresh"
(cd "$fresh" && find * -type f) | while read -r made; do
  diff -u "protos/$made" "$fresh/$made" || {
    echo "protos/$made is out of date: run 'make protos'" >&2
    exit 1
  }
done
