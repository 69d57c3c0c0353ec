#!/usr/bin/env bash
# Measures `stakeout scan` on whole captures, on one core, beside a bare libpcap loop that only counts packets.
#
#   tools/bench.sh [PACKETS]      PACKETS of the project's own traffic, 1,000,000 unless told otherwise
#
#   RUNS=5 CORE=0                 runs of each program, taken in turn; the core that they are pinned to
#   FRESH=1                       make the captures anew, which are otherwise kept in target/bench
#   SHARED=../shared              where the traffic lies that other programs were measured on; left out if it is not there
#   OWN=0                         leave out the project's own traffic
#
# Absolute times drift by a quarter on shared machines; ratios to the loop, taken in turn with it, do not. The bars: the
# processor time of a packet (warm cache, without loading the list of 500,000 names) at most 0.95 times the loop's on a
# provider's mix and 3.6 times on names alone; peak memory at most 64 MiB on the first, 150 MiB on the second, and flat in
# the length of the capture; every visit to a listed name found. Exit code 1 if one of them is missed.
set -euo pipefail
cd "$(dirname "$0")/.."

packets="${1:-${PACKETS:-1000000}}"
runs="${RUNS:-5}"
core="${CORE:-0}"
shared="${SHARED:-../shared}"
cache="${CARGO_TARGET_DIR:-target}/bench"
# MiB, on a provider's mix and on names alone.
MIX_MEMORY=64
NAMES_MEMORY=150
# Times the loop.
MIX_BAR=0.95
NAMES_BAR=3.6
# The project's own names come with more of what is hard: streams in small pieces, Retry, chains of CNAMEs.
OWN_NAMES_BAR=5
# What two lengths of the same traffic may differ in: buffers that grew to the longest message seen.
FLAT_BAR=8

# Below that the loading of the list, which is subtracted, varies by more than the packets cost.
[[ "$packets" =~ ^[0-9]{1,10}$ && "$packets" -ge 200000 ]] || { echo "bench.sh: PACKETS is a number from 200000" >&2; exit 2; }
[[ "$runs" =~ ^[1-9][0-9]?$ ]] || { echo "bench.sh: RUNS is a number from 1 to 99" >&2; exit 2; }
for tool in cargo cc taskset awk; do
  command -v "$tool" >/dev/null || { echo "bench.sh needs $tool (tools/setup.sh build installs it on Debian)" >&2; exit 2; }
done
mkdir -p "$cache"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

echo "Building" >&2
cargo build --release --quiet
cargo build --release --quiet --example traffic
# Copies, so that no build that goes on meanwhile changes what is measured.
cp "${CARGO_TARGET_DIR:-target}/release/stakeout" "$work/stakeout"
cp "${CARGO_TARGET_DIR:-target}/release/examples/traffic" "$work/traffic"
cc -O2 -Wall -o "$work/pcap_floor" tools/pcap_floor.c -lpcap
cc -O2 -Wall -o "$work/cost" tools/cost.c
# A capture without packets: what is left is starting up and loading the list.
printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00' >"$work/empty.pcap"

failed=0
miss() {
  echo "MISSED: $*"
  failed=1
}

# cost NAME COMMAND…: runs it on the one core, and adds a line "microseconds KiB" to $work/NAME.cost.
cost() {
  local name="$1"
  shift
  taskset -c "$core" "$work/cost" "$work/one" "$@"
  cat "$work/one" >>"$work/$name.cost"
}

# pick NAME COLUMN WHICH: the median, least or greatest of a column.
pick() {
  sort -n -k "$2,$2" "$work/$1.cost" | awk -v c="$2" -v which="$3" \
    '{ v[NR] = $c } END { print which == "least" ? v[1] : which == "greatest" ? v[NR] : (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

calc() { awk "BEGIN { printf \"$1\", $2 }"; }
above() { awk "BEGIN { exit !($1 > $2) }"; }

HEAD='%-22s %9s  %-7s %7s %7s %6s %5s  %9s %9s %7s\n'

# measure NAME CAPTURE LIST BAR MEMORY SENT SPARE: one row for the median, one for the best run. SENT is how many visits to listed
# names the capture holds, SPARE by how many the number found may differ. Leaves the peak of memory in $peak.
measure() {
  local name="$1" capture="$2" list="$3" bar="$4" memory="$5" sent="$6" spare="$7" run which count floor scan empty found
  # Into the page cache, as far as it goes.
  cat "$capture" "$list" >/dev/null
  rm -f "$work"/{floor,scan,empty}.cost
  for ((run = 0; run < runs; run++)); do
    cost floor "$work/pcap_floor" "$capture" >"$work/floor.out"
    cost empty "$work/stakeout" scan --rules "$list" --format jsonl "$work/empty.pcap" >/dev/null 2>&1
    cost scan "$work/stakeout" scan --rules "$list" --format jsonl "$capture" >/dev/null 2>"$work/scan.err"
  done
  count="$(awk '{ print $2 }' "$work/floor.out")"
  peak="$(calc %.0f "$(pick scan 2 greatest) / 1024")"
  for which in median least; do
    floor="$(calc %.1f "$(pick floor 1 $which) * 1000 / $count")"
    empty="$(pick empty 1 $which)"
    scan="$(calc %.1f "($(pick scan 1 $which) - $empty) * 1000 / $count")"
    # shellcheck disable=SC2059
    printf "$HEAD" "$name" "$count" "${which/least/best}" "$floor" "$scan" "$(calc %.2f "$scan / $floor")" "$bar" \
      "$(calc %.2f "1000 / $scan")" "$peak" "$(calc %.2f "$empty / 1000000")"
    if [ $which = median ] && above "$scan" "$bar * $floor"; then miss "$name: more than $bar times the loop"; fi
  done
  if above "$peak" "$memory"; then miss "$name: $peak MiB of memory, more than $memory"; fi
  found="$(sed -n 's/^found .*: \([0-9]*\) visits to listed names.*/\1/p' "$work/scan.err")"
  if ((found < sent - spare || found > sent + spare)); then miss "$name: $found visits to listed names found, $sent sent"; fi
}

echo
echo "One core of: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) processors, kernel $(uname -r); $runs runs each, in turn."
echo "Nanoseconds of processor time (user and system) a packet, list loading apart; memory is the peak of all runs."
echo
# shellcheck disable=SC2059
printf "$HEAD" capture packets of loop scan ratio bar Mpkt/s "peak MiB" "list s"

# What the traffic is made of: other sources, other traffic.
sources="$(find src/traffic examples/traffic.rs -name '*.rs' -print0 | sort -z | xargs -0 cat | cksum | cut -d ' ' -f 1)"

# own PROFILE PACKETS: makes the project's own traffic, unless it is there.
own() {
  local at="$cache/$1-$2"
  if [ -z "${FRESH:-}" ] && [ -s "$at.sent" ] && grep -qx "sources $sources" "$at.sent"; then return; fi
  echo "Making $2 packets of $1 traffic" >&2
  "$work/traffic" "$1" "$2" 1 "$at.pcap" "$at.list" >"$work/sent"
  echo "sources $sources" >>"$work/sent"
  mv "$work/sent" "$at.sent"
}

if [ "${OWN:-1}" != 0 ]; then
  quarter=$((packets / 4))
  own provider "$quarter"
  own provider "$packets"
  own names "$packets"
  # More flows a second than the table holds: one in many thousand is forgotten while the mirror still repeats it, or
  # while its name is on the way.
  spare() { echo $(($1 / 1000 + 1)); }
  sent() { awk '$1 == "visits" { print $2 }' "$cache/$1.sent"; }
  cost short "$work/stakeout" scan --rules "$cache/provider-$quarter.list" --format jsonl "$cache/provider-$quarter.pcap" >/dev/null 2>&1
  short="$(calc %.0f "$(pick short 2 greatest) / 1024")"
  measure "own, provider" "$cache/provider-$packets.pcap" "$cache/provider-$packets.list" "$MIX_BAR" "$MIX_MEMORY" \
    "$(sent "provider-$packets")" "$(spare "$(sent "provider-$packets")")"
  long="$peak"
  measure "own, names" "$cache/names-$packets.pcap" "$cache/names-$packets.list" "$OWN_NAMES_BAR" "$NAMES_MEMORY" \
    "$(sent "names-$packets")" "$(spare "$(sent "names-$packets")")"
  echo "Memory: $short MiB for $quarter packets, $long MiB for $packets."
  if above "$long - $short" "$FLAT_BAR"; then miss "memory grows with the length of the capture"; fi
fi

if [ -d "$shared/bench/traffic" ]; then
  if [ -n "${FRESH:-}" ] || [ ! -e "$cache/generator.done" ]; then
    echo "Making isp and meta traffic" >&2
    rm -rf "$cache/generator" "$cache/generator.done"
    cp -r "$shared/bench/traffic" "$cache/generator"
    chmod -R u+w "$cache/generator"
    # It lies inside this package's directory and is none of it.
    printf '\n[workspace]\n' >>"$cache/generator/Cargo.toml"
    CARGO_TARGET_DIR="$cache/generator/target" cargo build --release --quiet --manifest-path "$cache/generator/Cargo.toml"
    "$cache/generator/target/release/gen" isp 2000000 1 "$cache/isp" "$cache/blocklist.txt" >/dev/null
    "$cache/generator/target/release/gen" meta 1200000 2 "$cache/meta" >/dev/null
    touch "$cache/generator.done"
  fi
  for which in isp meta; do
    # Visits to listed names, by the truth: column 7 is the name.
    sent="$(awk -F '\t' 'NR == FNR { listed[$1]; next }
      { name = tolower($7); while (1) { if (name in listed) { n++; break } if (!sub(/^[^.]*\./, "", name)) break } }
      END { print n + 0 }' "$cache/blocklist.txt" "$cache/$which.truth.tsv")"
    if [ $which = isp ]; then bars=("$MIX_BAR" "$MIX_MEMORY"); else bars=("$NAMES_BAR" "$NAMES_MEMORY"); fi
    measure "$which" "$cache/$which.pcap" "$cache/blocklist.txt" "${bars[@]}" "$sent" 0
  done
  if command -v python3 >/dev/null; then
    for which in isp meta; do
      echo "Names found on $which, of those sent:"
      python3 "$shared/bench/score.py" "$cache/$which.truth.tsv" <("$work/stakeout" observe "$cache/$which.pcap") |
        sed 's/^/  /' || miss "$which: not every name, or an invented one"
    done
  fi
else
  echo "(no $shared/bench: isp and meta left out)"
fi

if [ "$failed" = 0 ]; then echo "Every bar is met."; fi
exit "$failed"
