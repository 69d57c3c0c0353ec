#!/usr/bin/env bash
# Fuzzes the parsers: `fuzz.sh SECONDS [TARGET…]` runs every target (or those named) for so many seconds each, and fails
# if one crashes. `fuzz.sh check [TARGET…]` is the short form for every build: it starts from a fixed seed, so that two
# runs of one program try the same inputs, as far as ten seconds go; finding new ones is the long form's work.
# `fuzz.sh coverage [TARGET…]` tells how much of the parsers the corpora reach. See docs/fuzzing.md.
#
# FUZZ_CORPUS=DIR keeps what the fuzzer finds in DIR/TARGET and goes on from there; without it that is thrown away.
# FUZZ_JOBS=N runs so many targets at a time; as many as there are processors, if not said.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:?usage: fuzz.sh SECONDS|check|coverage [TARGET…]}
shift
host=$(rustc -vV | sed -n 's/^host: //p')
target_dir=$(realpath -m "${CARGO_TARGET_DIR:-fuzz/target}")
jobs=${FUZZ_JOBS:-$(nproc)}

skip() { echo "SKIPPED: fuzzing: $*" >&2; exit 0; }
rustup toolchain list 2>/dev/null | grep -q nightly || skip "no nightly toolchain (rustup toolchain install nightly)"
tools/setup.sh fuzz
if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "Installing cargo-fuzz with cargo"
  cargo install --quiet --locked cargo-fuzz || skip "cargo-fuzz could not be installed"
fi

if [ $# -gt 0 ]; then targets=("$@"); else mapfile -t targets < <(cargo +nightly fuzz list); fi
if [ -n "${FUZZ_CORPUS:-}" ]; then
  corpus=$(realpath -m "$FUZZ_CORPUS")
else
  corpus=$(mktemp -d)
  trap 'rm -rf "$corpus"' EXIT
fi
log=$corpus/.log
mkdir -p "$log"

# One line of the table from libFuzzer's output. Its counters have no times, so the last third is that of executions.
line() {
  awk -v target="$1" -v status="$2" '
    match($0, /^#[0-9]+/) && / cov: / {
      n = substr($0, 2, RLENGTH - 1) + 0
      match($0, / cov: [0-9]+/); cov = substr($0, RSTART + 6, RLENGTH - 6) + 0
      if (/INITED/) first = cov
      at[++lines] = n; covered[lines] = cov
    }
    /^stat::number_of_executed_units/ { runs = $2 }
    /^stat::average_exec_per_sec/ { speed = $2 }
    END {
      for (i = 1; i <= lines && at[i] <= runs * 2 / 3; i++) before = covered[i]
      printf "%-20s %12d %9d %7d %7d  %-7s %s\n", target, runs, speed, first, cov, (cov > before ? "yes" : "no"), status
    }' "$log/$1"
}

run() {
  local target=$1 status=ok dict=()
  mkdir -p "$corpus/$target" "fuzz/artifacts/$target"
  [ -f "fuzz/dict/$target" ] && dict=(-dict="fuzz/dict/$target")
  TMPDIR=$log "$target_dir/$host/release/$target" "${length[@]}" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="fuzz/artifacts/$target/" "${dict[@]}" "$corpus/$target" "fuzz/corpus/$target" \
    >"$log/$target" 2>&1 || status=CRASHED
  line "$target" "$status"
  if [ "$status" != ok ]; then
    grep -E -A12 'panicked at|ERROR: libFuzzer|Test unit written' "$log/$target" | tail -40 >&2
    return 1
  fi
}

fuzz() {
  # No address sanitizer: the program has no unsafe code, and without it the build is shorter and runs are faster.
  # Debug assertions and overflow checks are on, so that arithmetic which goes wrong is a crash.
  CARGO_TARGET_DIR=$target_dir cargo +nightly fuzz build --sanitizer none
  local failed=0 running=0
  printf '%-20s %12s %9s %7s %7s  %-7s %s\n' target executions exec/s edges to grew status
  for target in "${targets[@]}"; do
    if [ "$running" -ge "$jobs" ]; then wait -n || failed=1; running=$((running - 1)); fi
    run "$target" &
    running=$((running + 1))
  done
  while [ "$running" -gt 0 ]; do wait -n || failed=1; running=$((running - 1)); done
  [ "$failed" -eq 0 ] || { echo "fuzzing found crashes; inputs are in fuzz/artifacts" >&2; exit 1; }
}

# Lines of each parser that the corpora execute, with the compiler's own instrumentation in a build of its own. The
# program's source is counted, without its tests.
coverage() {
  local major tools build=$target_dir/coverage objects=()
  major=$(rustc +nightly -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
  for tools in "$(rustc +nightly --print sysroot)/lib/rustlib/$host/bin" "/usr/lib/llvm-$major/bin"; do
    [ -x "$tools/llvm-cov" ] && break
  done
  [ -x "$tools/llvm-cov" ] || skip "no llvm-cov of version $major (apt-get install llvm-$major)"
  RUSTFLAGS="-Cinstrument-coverage --cfg fuzzing" CARGO_TARGET_DIR=$build \
    cargo +nightly build --quiet --release --manifest-path fuzz/Cargo.toml --target "$host"
  rm -f "$log"/*.profraw
  for target in "${targets[@]}"; do
    mkdir -p "$corpus/$target"
    TMPDIR=$log LLVM_PROFILE_FILE="$log/$target.profraw" "$build/$host/release/$target" -runs=0 "$corpus/$target" \
      "fuzz/corpus/$target" >/dev/null 2>&1
    objects+=(-object "$build/$host/release/$target")
  done
  "$tools/llvm-profdata" merge -sparse "$log"/*.profraw -o "$log/all.profdata"
  "$tools/llvm-cov" export -summary-only -instr-profile "$log/all.profdata" "${objects[@]}" |
    python3 -c '
import collections, json, os, sys
parts = collections.defaultdict(lambda: [0, 0, 0, 0])
for file in json.load(sys.stdin)["data"][0]["files"]:
    path = os.path.relpath(file["filename"], "src")
    part = "/".join(path.split("/")[:2])
    if path.startswith(("capture/file", "capture/dnstap", "decode", "extract/", "flow", "matching/l", "control/config")):
        part = part if path.startswith(("capture", "extract", "matching", "control")) else path.split("/")[0]
        for i, kind in enumerate(("lines", "regions")):
            parts[part][2 * i] += file["summary"][kind]["covered"]
            parts[part][2 * i + 1] += file["summary"][kind]["count"]
print(f"{'"'parser'"':<20} {'"'lines'"':>13} {'"'regions'"':>14}")
for part, (l, ls, r, rs) in sorted(parts.items()):
    print(f"{part:<20} {l:>5}/{ls:<5} {l / ls:4.0%} {r:>5}/{rs:<5} {r / rs:4.0%}")'
}

if [ "$what" = coverage ]; then
  coverage
elif [ "$what" = check ]; then
  length=(-seed=20261124 -max_total_time=10)
  fuzz
else
  length=(-max_total_time="$what")
  fuzz
fi
