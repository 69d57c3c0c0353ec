#!/usr/bin/env bash
# Measures `stakeout scan` beside other programs that read names from captures, on one core and the same traffic.
#
#   tools/bench-peers.sh            all of isp (2,000,000 packets) and meta (1,200,000): half an hour with slow peers
#   PACKETS=200000 RUNS=3           shorter captures (from 50000; meta has six tenths of it), fewer runs: some minutes
#   CORE=0                          the core that every program is pinned to
#   WITHOUT="tshark ndpiReader"     leave out programs
#   SHARED=../shared                where the generator of the traffic lies; without it there is nothing to measure
#   STAKEOUT=…                      an executable to measure; a release is built unless it is given
#
# Programs take turns (each once, then each again), with the capture in the page cache. Charged is processor time, user
# and system, of all threads; that on a capture without packets is taken off (loading lists, rules and dissectors) and told
# apart. Absolute times drift on shared machines: what counts is the ratio to the bare libpcap loop of the same table.
#
# The programs, each if it is found, and how it is run. None but Stakeout matches names against a list here, and most do
# more than read names; each is asked for no more than its options allow.
#
#   loop        tools/pcap_floor.c: reads through libpcap and counts packets
#   stakeout    scan --rules LIST --format jsonl, 500,000 names
#   tcpdump     -n -r FILE -w /dev/null 'port 53': a kernel-style filter and nothing else; misses what is in tags
#   dnscap      -r FILE -T -L 4095 -g: DNS over UDP and TCP, through one VLAN tag, as text
#   ndpiReader  -i FILE -q: classifies every flow; with -C FILE.csv (names) in a run that is not measured
#   tshark      -n -r FILE -T fields, only frames with a name, and tcp.reassemble_out_of_order, without which it misses more
#   suricata    -r FILE -k none --runmode single -S /dev/null, stream.midstream=true, its own eve.json (dns, tls, quic)
#   mercury     -r FILE -f /dev/null --select=dns,tls.client_hello,quic --dns-json --reassembly
#
# Names found, of those sent, are told for the programs whose output tools/lib/peer_names.py reads (all but tcpdump and
# mercury). Exit code 1 if a program fails on a capture.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/lib/captures.sh
. tools/lib/captures.sh

packets="${PACKETS:-2000000}"
runs="${RUNS:-3}"
core="${CORE:-0}"
shared="${SHARED:-../shared}"
target="${CARGO_TARGET_DIR:-target}"
cache="$target/bench"
[[ "$packets" =~ ^[1-9][0-9]{4,8}$ && "$packets" -ge 50000 ]] || { echo "bench-peers.sh: PACKETS is a number from 50000" >&2; exit 2; }
[[ "$runs" =~ ^[1-9][0-9]?$ ]] || { echo "bench-peers.sh: RUNS is a number from 1 to 99" >&2; exit 2; }
for tool in cargo cc taskset awk; do
  command -v "$tool" >/dev/null || { echo "bench-peers.sh needs $tool (tools/setup.sh build installs it on Debian)" >&2; exit 2; }
done
if [ ! -d "$shared/bench/traffic" ]; then
  echo "SKIPPED: no $shared/bench/traffic, so there is no traffic that every program is measured on (SHARED=…)" >&2
  exit 0
fi
mkdir -p "$cache"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

if [ -z "${STAKEOUT:-}" ]; then
  echo "Building" >&2
  cargo build --release --quiet
  STAKEOUT="$target/release/stakeout"
fi
# A copy, so that no build that goes on meanwhile changes what is measured.
cp "$STAKEOUT" "$work/stakeout"
cc -O2 -Wall -o "$work/pcap_floor" tools/pcap_floor.c -lpcap
cc -O2 -Wall -o "$work/cost" tools/cost.c
printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00' >"$work/empty.pcap"

programs=(loop stakeout)
absent=()
for peer in tcpdump dnscap ndpiReader tshark suricata mercury; do
  [[ " ${WITHOUT:-} " != *" $peer "* ]] || continue
  if command -v "$peer" >/dev/null; then programs+=("$peer"); else absent+=("$peer"); fi
done

# command_of PROGRAM CAPTURE: leaves the command in the array $command.
command_of() {
  local capture="$2"
  case "$1" in
    loop) command=("$work/pcap_floor" "$capture") ;;
    stakeout) command=("$work/stakeout" scan --rules "$cache/blocklist.txt" --format jsonl "$capture") ;;
    tcpdump) command=(tcpdump -n -r "$capture" -w /dev/null "port 53") ;;
    dnscap) command=(dnscap -r "$capture" -T -L 4095 -g) ;;
    ndpiReader) command=(ndpiReader -i "$capture" -q) ;;
    tshark) command=(tshark -n -r "$capture" -o tcp.reassemble_out_of_order:TRUE
      -Y "dns.qry.name or tls.handshake.extensions_server_name" -T fields -E occurrence=l -e ip.src -e ipv6.src
      -e udp.srcport -e tcp.srcport -e dns.flags.response -e dns.qry.name -e tls.handshake.extensions_server_name
      -e quic.version) ;;
    suricata) mkdir -p "$work/suricata"
      command=(suricata -r "$capture" -k none --runmode single -S /dev/null -l "$work/suricata" --set stream.midstream=true) ;;
    mercury) command=(mercury -r "$capture" -f /dev/null "--select=dns,tls.client_hello,quic" --dns-json --reassembly) ;;
  esac
}

failed=0
# cost NAME PROGRAM CAPTURE: runs it on the one core, and adds a line "microseconds KiB" to $work/NAME.cost.
cost() {
  local name="$1"
  command_of "$2" "$3"
  rm -rf "$work/suricata"/*
  if ! taskset -c "$core" "$work/cost" "$work/one" "${command[@]}" >/dev/null 2>"$work/err"; then
    echo "FAILED: $2 on $(basename "$3"): $(tail -n 1 "$work/err")"
    failed=1
    return
  fi
  cat "$work/one" >>"$work/$name.cost"
}

# median NAME: the median of the processor times.
median() {
  sort -n "$work/$1.cost" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# names PROGRAM CAPTURE: prints the names that it finds, as JSON lines.
names() {
  command_of "$1" "$2"
  case "$1" in
    stakeout) "$work/stakeout" observe "$2" ;;
    tshark) "${command[@]}" | python3 tools/lib/peer_names.py tshark ;;
    dnscap) "${command[@]}" 2>&1 | python3 tools/lib/peer_names.py dnscap ;;
    ndpiReader) ndpiReader -i "$2" -q -C "$work/ndpi.csv" >/dev/null && python3 tools/lib/peer_names.py ndpi <"$work/ndpi.csv" ;;
    suricata) "${command[@]}" >/dev/null && python3 tools/lib/peer_names.py suricata <"$work/suricata/eve.json" ;;
  esac 2>/dev/null
}

echo
echo "One core of: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) processors, kernel $(uname -r)."
echo "$runs runs each, in turn, medians; processor time (user and system), start apart; memory is the peak of all runs."
[ ${#absent[@]} = 0 ] || echo "Not found here, so not measured: ${absent[*]}."

for which in isp meta; do
  at="$(capture_of "$which" "$packets" "$shared" "$cache")"
  rm -f "$work"/*.cost
  # Into the page cache, as far as it goes.
  cat "$at.pcap" "$cache/blocklist.txt" >/dev/null
  for ((run = 0; run < runs; run++)); do
    for program in "${programs[@]}"; do
      cost "$program.start" "$program" "$work/empty.pcap"
      cost "$program" "$program" "$at.pcap"
    done
  done
  count="$("$work/pcap_floor" "$at.pcap" | awk '{ print $2 }')"
  net() { awk "BEGIN { printf \"%.1f\", ($(median "$1") - $(median "$1.start")) * 1000 / $count }"; }
  floor="$(net loop)"
  own="$(net stakeout)"
  echo
  printf '%-12s %10s %9s %10s %10s %9s %8s   %s\n' "$which" packets ns/packet "of loop" "of ours" "peak MiB" "start s" "names found: dns tls quic"
  for program in "${programs[@]}"; do
    if [ ! -s "$work/$program.cost" ] || [ ! -s "$work/$program.start.cost" ]; then continue; fi
    ns="$(net "$program")"
    found=""
    if command -v python3 >/dev/null && [[ "$program" =~ ^(stakeout|tshark|dnscap|ndpiReader|suricata)$ ]]; then
      found="$({ python3 "$shared/bench/score.py" "$at.truth.tsv" <(names "$program" "$at.pcap") || true; } |
        awk '$1 != "false" && split($3, n, "/") == 2 { got[$1] += n[1]; all[$1] += n[2] }
          END { for (i = split("dns tls quic", p, " "); i; i--) out = (all[p[i]] ? sprintf("%.2f %%", int(10000 * got[p[i]] / all[p[i]]) / 100) : "-") "  " out; print out }')"
    fi
    awk -v name="$program" -v count="$count" -v ns="$ns" -v floor="$floor" -v own="$own" -v found="$found" \
      -v peak="$(sort -n -k 2 "$work/$program.cost" | tail -n 1 | cut -d ' ' -f 2)" -v start="$(median "$program.start")" \
      'BEGIN { printf "%-12s %10d %9.1f %10.2f %10.2f %9.0f %8.2f   %s\n", name, count, ns, ns / floor, ns / own, peak / 1024, start / 1e6, found }'
  done
done
exit "$failed"
