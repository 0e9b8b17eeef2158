#!/usr/bin/env bash
# Builds the wheel once and runs the package's tests on the oldest and the newest CPython that this machine has.
#
#   PYTHONS         other Pythons than those, separated by blanks
#   IOBEAM_PROGRAM  the `iobeam` to test against; without it the one in cargo's target folder
#   TABLES=no       leave out the tests that need numpy, pandas, polars and pyarrow
#
# Everything that is made lies in python/.venvs and cargo's target folder.
set -euo pipefail
cd "$(dirname "$0")"

venvs=$PWD/.venvs
wheels=$venvs/wheels
pip_install=(-m pip install --quiet --disable-pip-version-check)

# The CPythons of 3.9 and later: those on the path and those of pyenv, as "minor path", oldest first.
pythons() {
  {
    for minor in $(seq 9 30); do command -v "python3.$minor" || true; done
    command -v python3 || true
    ls "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python 2>/dev/null || true
  } | while read -r python; do
    "$python" -c 'import platform, sys
if platform.python_implementation() == "CPython" and sys.version_info >= (3, 9):
    print(sys.version_info[1], sys.executable)' 2>/dev/null || true
  done | sort -n -u -k1,1
}

# A virtual environment of a Python, made once.
environment() {
  local python=$1 folder=$2
  [ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
  echo "$folder/bin/python"
}

if [ -z "${PYTHONS:-}" ]; then
  found=$(pythons)
  [ -n "$found" ] || { echo "no CPython of 3.9 or later was found" >&2; exit 1; }
  PYTHONS=$(printf '%s\n%s\n' "$(head -1 <<<"$found")" "$(tail -1 <<<"$found")" | cut -d' ' -f2 | uniq)
fi

newest=$(tail -1 < <(tr ' ' '\n' <<<"$PYTHONS"))
builder=$(environment "$newest" "$venvs/build")
"$builder" "${pip_install[@]}" 'maturin>=1.9,<2'
rm -rf "$wheels"
# The wheel has a target folder of its own: its dependencies are built with other features than the platform's.
CARGO_TARGET_DIR=${PYTHON_TARGET_DIR:-$PWD/target} "$builder" -m maturin build --release --quiet --out "$wheels"
size=$(stat -c %s "$wheels"/*.whl 2>/dev/null || stat -f %z "$wheels"/*.whl)
echo "$(basename "$wheels"/*.whl): $size bytes"
[ "$size" -le 6291456 ] || { echo "the wheel is larger than 6 MB" >&2; exit 1; }

# The original, for the tests that run beside it.
if [ -z "${ORIGINAL_PYTHON:-}" ]; then
  ORIGINAL_PYTHON=$(environment "$(head -1 < <(tr ' ' '\n' <<<"$PYTHONS"))" "$venvs/original")
  "$ORIGINAL_PYTHON" "${pip_install[@]}" iobeam==0.11.0 'pyjwt<2.11' || ORIGINAL_PYTHON=
fi
export ORIGINAL_PYTHON

# Tests that need a platform would be left out without one.
root=$(cd .. && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
if [ -z "${IOBEAM_PROGRAM:-}" ] && [ ! -x "$target/debug/iobeam" ] && [ ! -x "$target/release/iobeam" ]; then
  echo "no \`iobeam\` to test against: cargo build -p iobeam-cli, or set IOBEAM_PROGRAM" >&2
  exit 1
fi

for python in $PYTHONS; do
  version=$("$python" -c 'import platform; print(platform.python_version())')
  environment=$(environment "$python" "$venvs/$version")
  "$environment" "${pip_install[@]}" --force-reinstall --no-deps "$wheels"/*.whl
  wanted=(psutil)
  [ "${TABLES:-yes}" = no ] || wanted+=(numpy pandas polars pyarrow)
  # What has no wheel for this Python its tests do without.
  for package in "${wanted[@]}"; do
    "$environment" "${pip_install[@]}" --only-binary :all: "$package" || echo "without $package" >&2
  done
  echo "CPython $version"
  "$environment" -m unittest discover
done
