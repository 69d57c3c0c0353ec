#!/usr/bin/env bash
# Instructions a packet, by module, of the release build: `tests/instructions` on it. Takes a release build and a minute.
#
#   tools/callgrind.sh            compares with tests/instructions/committed.tsv
#   tools/callgrind.sh write      writes the counts there
#
# `make test` does the same with the build that the tests use anyway.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "callgrind.sh needs valgrind (tools/setup.sh test installs it on Debian)" >&2; exit 2; }
cargo build --release --quiet
program="$(realpath "${CARGO_TARGET_DIR:-target}/release/stakeout")"
STAKEOUT_PROGRAM="$program" STAKEOUT_INSTRUCTIONS="${1:-}" cargo test --test instructions -- --nocapture
