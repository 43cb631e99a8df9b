#!/usr/bin/env bash
# Measures a CUDA machine that has Python wheels and nothing else; see README.md beside this file.
#
#   bench/gpu/run.sh [--out FOLDER] [--minutes 8] ...        (--help lists the rest)
#
# PYTHON=...   an interpreter that has Sori's dependencies; default: .venv, made if it is not there
# WHEELS=...   a folder of wheels, where no package registry can be reached
# CUBLAS=...   a libcublas to use in place of version 12's
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}

[ -x "$(command -v "$python")" ] || make -C "$root" setup

folder_of_cublas() {
  "$python" -c '
import importlib.util, pathlib
found = importlib.util.find_spec("nvidia.cublas") if importlib.util.find_spec("nvidia") else None
for place in found.submodule_search_locations if found else ():
    if (pathlib.Path(place) / "lib" / "libcublas.so.12").is_file():
        print(pathlib.Path(place) / "lib")'
}

loadable() { "$python" -c 'import ctypes; ctypes.CDLL("libcublas.so.12")' 2>/dev/null; }

provide_cublas() {
  if [ -n "${CUBLAS:-}" ]; then
    local stand_in
    stand_in=$(mktemp -d)
    ln -s "$CUBLAS" "$stand_in/libcublas.so.12"
    export SORI_BENCH_CUBLAS="$CUBLAS, in its place"
    export LD_LIBRARY_PATH="$stand_in:$(dirname "$CUBLAS")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    return
  fi
  loadable && return
  local folder
  folder=$(folder_of_cublas)
  if [ -z "$folder" ]; then
    "$python" -m pip install --quiet -c "$root/constraints.txt" \
      ${WHEELS:+--no-index --find-links "$WHEELS"} nvidia-cublas-cu12
    folder=$(folder_of_cublas)
  fi
  export SORI_BENCH_CUBLAS="wheel nvidia-cublas-cu12, by LD_LIBRARY_PATH"
  export LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}

if nvidia-smi -L >/dev/null 2>&1; then
  provide_cublas
else
  echo "no GPU: nvidia-smi finds none; figures below are the CPU's" >&2
fi
export PYTHONPATH="$here:$root/server/src:$root/protos:$root/clients/python/src${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -m gpubench "$@"
