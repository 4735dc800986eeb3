# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Functions and variables for the scripts in this folder, which source it. Sets $root and the working folder.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Prints a heading that says what happens next.
say() { printf '\n== %s\n' "$*"; }

die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# The preset of CMakePresets.json that `build` builds, and its folder; a script may set others.
preset=release
folder=build

# Runs a command with its output in a log under build/; shows the end of the log when it fails.
logged() {
  local log="build/$1.log"
  shift
  if ! "$@" >"$log" 2>&1 </dev/null; then
    tail -n 25 "$log" >&2
    die "failed: $* (all of it: $log)"
  fi
}

# Configures and builds into $folder. Arguments: targets, none for the default.
build() {
  say "Configuring and building into $folder/"
  logged configure cmake --preset "$preset"
  if [ $# -gt 0 ]; then
    cmake --build "$folder" --target "$@"
  else
    cmake --build "$folder"
  fi
}
