#!/usr/bin/env bash
# Makes an environment for this package, one for the original, and measures them side by side: measure.py.
#
#   --json          print figures rather than a table
#   ROWS            how many rows; a million unless said
#   IOBEAM_PROGRAM  the `iobeam` to measure against; without it the one that cargo built last
#
# Everything that is made lies in python/.venvs and cargo's target folder.
set -euo pipefail
cd "$(dirname "$0")"

venvs=$PWD/.venvs
wheels=$venvs/bench-wheels
pip_install=(-m pip install --quiet --disable-pip-version-check)

environment() {
  [ -x "$venvs/$1/bin/python" ] || python3 -m venv "$venvs/$1"
  echo "$venvs/$1/bin/python"
}

ours=$(environment bench)
"$ours" "${pip_install[@]}" 'maturin>=1.9,<2'
rm -rf "$wheels"
CARGO_TARGET_DIR=${PYTHON_TARGET_DIR:-$PWD/target} "$ours" -m maturin build --release --quiet --out "$wheels" >&2
"$ours" "${pip_install[@]}" --force-reinstall --no-deps "$wheels"/*.whl
"$ours" "${pip_install[@]}" --only-binary :all: numpy pandas || echo "without pandas" >&2

original=$(environment bench-original)
"$original" "${pip_install[@]}" iobeam==0.11.0 'pyjwt<2.11' || original=
WHEEL_BYTES=$(stat -c %s "$wheels"/*.whl 2>/dev/null || stat -f %z "$wheels"/*.whl)
export WHEEL_BYTES
ORIGINAL_PYTHON=$original "$ours" measure.py "$@"
