#!/usr/bin/env bash
# Measures the daemon on dnstap: a sender on one core pushes a stream made beforehand through a UNIX socket into
# `stakeout run`, which is pinned to another, with a list of 500,000 names.
#
#   tools/bench-dnstap.sh [MESSAGES]     4,000,000 unless told otherwise
#
#   RUNS=5 CORE=0 SENDER=1               runs, each with a new daemon; the cores of the daemon and of the sender
#   PROFILE=release                      the build that is measured; quick is built faster and nearly as fast
#
# The processor time is the whole daemon's, user and system, from before the first message to after the last, by the
# system's account of the process: recorder, event files and metrics included. The bar is 300,000 messages a second of it, in
# the median. Exit code 1 if it is missed, if a match was lost or if a message was not read.
set -euo pipefail
cd "$(dirname "$0")/.."

messages="${1:-4000000}"
runs="${RUNS:-5}"
core="${CORE:-0}"
sender="${SENDER:-1}"
profile="${PROFILE:-release}"
BAR=300000

[[ "$messages" =~ ^[1-9][0-9]{5,9}$ ]] || { echo "bench-dnstap.sh: MESSAGES is a number from 100000" >&2; exit 2; }
for tool in cargo taskset awk curl; do
  command -v "$tool" >/dev/null || { echo "bench-dnstap.sh needs $tool" >&2; exit 2; }
done
work="$(mktemp -d)"
daemon=
stop() {
  [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon" || true; }
  daemon=
}
trap 'stop; rm -rf "$work"' EXIT

echo "Building" >&2
cargo build --profile "$profile" --quiet --bin stakeout --example dnstap_send
cp "${CARGO_TARGET_DIR:-target}/$profile/stakeout" "${CARGO_TARGET_DIR:-target}/$profile/examples/dnstap_send" "$work/"

awk 'BEGIN { for (n = 0; n < 500000; n++) print "lucky-" n "-spin.example" }' >"$work/list.txt"
cat >"$work/stakeout.toml" <<END
[sensor]
jurisdictions = ["PL"]
[legal]
basis = "A bench"
reference = "none"
contact = "whoever runs it"
review_date = 9999-12-31
scope = ["dns"]
[dnstap]
socket = "tap.sock"
[[rules]]
list = "bench"
path = "list.txt"
authority = "Test authority"
jurisdictions = ["PL"]
legal_basis = "Gambling Act"
reference = "Register 1"
[output.events]
path = "events.jsonl"
[http]
listen = "127.0.0.1:0"
END

# Nanoseconds that the daemon's threads have run, user and system; exact, where ticks are a guess. None of them ends while
# this is measured.
ran() { cat "/proc/$daemon"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f", n }'; }
wait_for() {
  for _ in $(seq 300); do
    "$@" && return
    sleep 0.1
  done
  echo "bench-dnstap.sh: waited in vain for $*" >&2
  cat "$work/log" >&2
  exit 2
}
listens() { grep -q 'http_listening\|HTTP is up' "$work/log" && [ -S "$work/tap.sock" ]; }

failed=0
for run in $(seq "$runs"); do
  rm -f "$work"/events.jsonl* "$work/log"
  taskset -c "$core" "$work/stakeout" run --config "$work/stakeout.toml" >"$work/out" 2>"$work/log" &
  daemon=$!
  wait_for listens
  before="$(ran)"
  read -r sent micros octets < <(taskset -c "$sender" "$work/dnstap_send" "$work/tap.sock" "$messages")
  sleep 0.5
  after="$(ran)"
  at="$(grep -o '127\.0\.0\.1:[0-9]*' "$work/log" | tail -1)"
  curl -s "http://$at/metrics" >"$work/metrics"
  read_all="$(awk '/^stakeout_dnstap_messages_read_total/ { n += $2 } END { printf "%d", n }' "$work/metrics")"
  lost="$(awk '/^stakeout_hits_lost_total/ { n += $2 } END { printf "%d", n }' "$work/metrics")"
  hits="$(awk '/^stakeout_hits_total/ { printf "%d", $2 }' "$work/metrics")"
  memory="$(awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status")"
  stop
  awk -v run="$run" -v sent="$sent" -v us="$micros" -v octets="$octets" -v ns="$((after - before))" \
    -v hits="$hits" -v lost="$lost" -v memory="$memory" 'BEGIN {
      cpu = ns / 1e9
      printf "run %d: %d messages of %d octets, %.2f s wall, %.2f s of processor: %.0f messages/s wall, %.0f a processor second; ",
        run, sent, octets / sent, us / 1e6, cpu, sent / (us / 1e6), sent / cpu
      printf "%d matches, %d lost, peak memory %d MiB\n", hits, lost, memory / 1024 }'
  awk -v sent="$sent" -v ns="$((after - before))" 'BEGIN { printf "%.0f\n", sent / (ns / 1e9) }' >>"$work/speeds"
  [ "$read_all" = "$sent" ] || { echo "MISSED: $read_all of $sent messages were read"; failed=1; }
  [ "$lost" = 0 ] || { echo "MISSED: $lost matches were lost"; failed=1; }
done
median="$(sort -n "$work/speeds" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')"
echo "median: $median messages a second of processor time; the bar is $BAR"
[ "$median" -ge "$BAR" ] || { echo "MISSED: the bar"; failed=1; }
exit "$failed"
