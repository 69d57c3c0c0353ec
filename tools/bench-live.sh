#!/usr/bin/env bash
# Measures the daemon on live traffic over a link of its own (veth, two network namespaces), beside a bare ring that only
# counts. Needs root, iproute2, and the sender txblast.c, which is not part of this repository; without it, it says so.
#
#   tools/bench-live.sh                 bare ring and daemon in turn: what is lost, and what a packet costs
#   tools/bench-live.sh workers         two workers of one daemon beside two daemons of one worker each
#   tools/bench-live.sh soak            one long run at a steady rate, rules swapped and metrics scraped every second
#
#   RUNS=10 SECONDS_EACH=20             runs of each, and how long one lasts (the capture is sent again and again)
#   PPS=0                               packets a second offered; 0 is as fast as the sender can
#   SOFTIRQ=same|other                  the kernel delivers on the core of the receiver (RPS), or on that of the sender
#   MINUTES=10                          soak: how long
#   WARMUP=60                           soak: seconds before memory is compared: its peak in the first half of what follows,
#                                       and in the second
#   BUFFER_MIB=64                       ring of each worker
#   PREFILTER=off                       or classic, ebpf: what the daemon is told to filter in the kernel; OUTCOMES=1 for that profile
#   CAPTURE=… LIST=…                    what is sent, and the rules; made by src/traffic unless given
#   SHARED=../shared                    where txblast.c lies
#   PROFILE=release                     cargo profile
#   RX_CORE=0 TX_CORE=1                 the two cores
#
# Columns: offered is what the sender sent; received what the socket took (dropped ones included), ring what of that the
# ring had no room for, frz how often it was full; softnet and veth what the kernel lost before any socket; ns/pkt the
# processor time (user and system) of the process by the packet offered. What the backlog drops shows in both columns. With
# SOFTIRQ=same that time holds what the kernel spends on delivery while it interrupts the process (Linux charges it so unless
# built with CONFIG_IRQ_TIME_ACCOUNTING). So `own` tells the receiver's core apart by what its clock ticks found it at: user
# and system, by the packet offered, without interrupts and their delivery (/proc/stat). Everything else that ran on that core
# is in it too; a tick is 10 ms there, and some hundred of them are what it rests on, so that one run is good to a tenth.
set -euo pipefail
cd "$(dirname "$0")/.."

mode="${1:-loss}"
runs="${RUNS:-10}"
seconds="${SECONDS_EACH:-20}"
pps="${PPS:-0}"
softirq="${SOFTIRQ:-same}"
minutes="${MINUTES:-10}"
warmup="${WARMUP:-60}"
buffer="${BUFFER_MIB:-64}"
shared="${SHARED:-../shared}"
profile="${PROFILE:-release}"
rx_core="${RX_CORE:-0}"
tx_core="${TX_CORE:-1}"
target="${CARGO_TARGET_DIR:-target}"
cache="$target/bench"

die() { echo "bench-live.sh: $*" >&2; exit 2; }
skip() { echo "SKIPPED: bench-live.sh: $*" >&2; exit 0; }
for n in "$runs" "$seconds" "$pps" "$minutes" "$warmup" "$buffer" "$rx_core" "$tx_core"; do
  [[ "$n" =~ ^[0-9]{1,8}$ ]] || die "$n is no number"
done
[[ "$mode" =~ ^(loss|workers|soak)$ ]] || die "$mode: no such mode (loss, workers, soak)"
[[ "$softirq" =~ ^(same|other)$ ]] || die "SOFTIRQ is same or other"
[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
[ -e "$shared/bench/txblast.c" ] || skip "no sender: $shared/bench/txblast.c is not there"
for tool in cargo cc ip taskset awk curl setpriv; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done
[ "$(nproc)" -ge 2 ] || skip "needs two processors"

work="$(mktemp -d)"
rx="stakeout-bench-$$-rx"
tx="stakeout-bench-$$-tx"
started=()
cleanup() {
  local pid
  for pid in "${started[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  ip netns del "$rx" 2>/dev/null || true
  ip netns del "$tx" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

echo "Building" >&2
cargo build --profile "$profile" --quiet --bin stakeout --example bare_ring --example traffic
cp "$target/$profile/stakeout" "$target/$profile/examples/bare_ring" "$target/$profile/examples/traffic" "$work/"
cc -O2 -w -o "$work/txblast" "$shared/bench/txblast.c"

capture="${CAPTURE:-$cache/provider-live.pcap}"
list="${LIST:-$cache/provider-live.list}"
if [ ! -s "$capture" ] || [ ! -s "$list" ]; then
  [ -z "${CAPTURE:-}${LIST:-}" ] || die "$capture or $list is not there"
  echo "Making traffic" >&2
  mkdir -p "$cache"
  "$work/traffic" provider 1000000 1 "$capture" "$list" >/dev/null
fi

ip netns add "$rx"
ip netns add "$tx"
inside() { ip netns exec "$1" "${@:2}"; }
# link N: a link tx{N} to rx{N}.
link() {
  ip -n "$tx" link add "tx$1" type veth peer name "rx$1" netns "$rx"
  ip -n "$tx" link set "tx$1" mtu 3000 addrgenmode none up
  ip -n "$rx" link set "rx$1" mtu 3000 addrgenmode none up
  # Which processors deliver what arrives: a mask.
  local mask
  mask="$(printf '%x' $((1 << ($softirq_core))))"
  inside "$rx" sh -c "echo $mask >/sys/class/net/rx$1/queues/rx-0/rps_cpus"
}
softirq_core="$([ "$softirq" = same ] && echo "$rx_core" || echo "$tx_core")"
ip -n "$rx" link set lo up
link 0

# config NAME INTERFACE WORKERS PORT: writes a configuration, and links the rules.
config() {
  mkdir -p "$work/$1"
  ln -sf "$(realpath "$list")" "$work/$1/list.txt"
  cat >"$work/$1/stakeout.toml" <<END
[sensor]
jurisdictions = ["PL"]
[legal]
basis = "bench"
reference = "bench"
contact = "bench"
review_date = 9999-12-31
scope = ["dns", "tls", "quic", "http"]
[capture]
interfaces = ["$2"]
backend = "ring"
buffer = "${buffer}MiB"
workers = $3
[prefilter]
mode = "${PREFILTER:-off}"
profile = "$([ -n "${OUTCOMES:-}" ] && echo outcomes || echo names)"
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
listen = "127.0.0.1:$4"
[log]
level = "warn"
END
}

# get PORT PATH
get() { inside "$rx" curl -sf --max-time 5 "http://127.0.0.1:$1$2"; }
# metric PORT NAME: the sum of its series.
metric() { get "$1" /metrics | awk -v n="stakeout_$2" 'index($1, n) == 1 && ($1 == n || substr($1, length(n) + 1, 1) == "{") { s += $2 } END { printf "%.0f\n", s }'; }

# start_daemon NAME PORT CORES: waits until it is ready; its process is $pid.
start_daemon() {
  (cd "$work/$1" && exec ip netns exec "$rx" setpriv --pdeathsig KILL taskset -c "$3" "$work/stakeout" run --config stakeout.toml) \
    >"$work/$1/log" 2>&1 &
  pid=$!
  started+=("$pid")
  local n
  for ((n = 0; n < 300; n++)); do
    if get "$2" /readyz >/dev/null 2>&1; then return; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/$1/log" >&2
  die "the daemon is not ready"
}
# start_ring INTERFACE CORES WORKERS
start_ring() {
  : >"$work/ring.out"
  # In the place of the subshell, so that its process is the one that is told to stop.
  (exec ip netns exec "$rx" setpriv --pdeathsig KILL taskset -c "$2" "$work/bare_ring" "$1" "$buffer" "$3") \
    >"$work/ring.out" 2>&1 &
  pid=$!
  started+=("$pid")
  local n
  for ((n = 0; n < 100; n++)); do
    if grep -q ready "$work/ring.out"; then return; fi
    sleep 0.1
  done
  cat "$work/ring.out" >&2
  die "the bare ring is not ready"
}
stop() { kill -TERM "$1" 2>/dev/null || true; wait "$1" || true; }

# cpu PID: microseconds of processor time, user and system, from clock ticks.
tick_us=$((1000000 / $(getconf CLK_TCK)))
cpu() { awk -v t="$tick_us" '{ sub(/^.*\) /, ""); printf "%.0f\n", ($12 + $13) * t }' "/proc/$1/stat"; }
# own: microseconds that the receiver's core spent in programs and their system calls, interrupts and delivery left out.
own() { awk -v c="cpu$rx_core" -v t="$tick_us" '$1 == c { printf "%.0f\n", ($2 + $3 + $4) * t }' /proc/stat; }
rss() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }
# Column 2 of every processor's line, in hexadecimal.
softnet() { awk '{ print "0x" $2 }' /proc/net/softnet_stat | while read -r n; do echo $((n)); done | awk '{ s += $1 } END { print s + 0 }'; }
# veth N: what the link dropped at either end.
veth() {
  local a b
  a="$(inside "$tx" cat "/sys/class/net/tx$1/statistics/tx_dropped")"
  b="$(inside "$rx" cat "/sys/class/net/rx$1/statistics/rx_missed_errors")"
  echo $((a + b))
}
# send INTERFACE COUNT PPS OUT
send() { inside "$tx" setpriv --pdeathsig KILL taskset -c "$tx_core" "$work/txblast" "$1" "$capture" "$2" "$3" >"$4"; }
field() { awk -v n="$2" '{ for (i = 1; i < NF; i++) if ($i == n) print $(i + 1) }' "$1"; }

echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) processors, kernel $(uname -r); delivery on core $softirq_core, receiver on core $rx_core, sender on core $tx_core."
echo "Sent: $(basename "$capture"); rules: $(wc -l <"$list") lines; ring of $buffer MiB; backlog $(cat /proc/sys/net/core/netdev_max_backlog)."
cat "$capture" >/dev/null

# How many packets last as long as asked: measured with the bare ring, which is the faster receiver.
start_ring rx0 "$rx_core" 1
send tx0 1000000 "$pps" "$work/tx"
stop "$pid"
rate="$(field "$work/tx" s)"
count=$((rate * seconds))
((count > 0)) || die "the sender does not send: $(cat "$work/tx")"

HEAD='%-10s %4s %9s %9s %9s %7s %4s %8s %8s %7s %7s\n'
# row NAME RUN COUNT OFFERED_RATE RECEIVED RING FREEZES SOFTNET VETH CPU OWN
row() {
  # shellcheck disable=SC2059
  printf "$HEAD" "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9" \
    "$(awk "BEGIN { printf \"%.1f\", ${10} * 1000 / $3 }")" "$(awk "BEGIN { printf \"%.1f\", ${11} * 1000 / $3 }")"
}

case "$mode" in
loss)
  # shellcheck disable=SC2059
  printf "$HEAD" receiver run offered pkt/s received ring frz softnet veth ns/pkt own
  config one rx0 1 9618
  for ((run = 1; run <= runs; run++)); do
    before=("$(softnet)" "$(veth 0)")
    start_ring rx0 "$rx_core" 1
    from="$(cpu "$pid")" own_from="$(own)"
    send tx0 "$count" "$pps" "$work/tx"
    sleep 0.5
    used=$(($(cpu "$pid") - from)) own_used=$(($(own) - own_from))
    stop "$pid"
    row ring "$run" "$count" "$(field "$work/tx" s)" "$(field "$work/ring.out" received)" "$(field "$work/ring.out" dropped)" \
      "$(field "$work/ring.out" freezes)" $(($(softnet) - before[0])) $(($(veth 0) - before[1])) "$used" "$own_used"

    start_daemon one 9618 "$rx_core"
    before=("$(softnet)" "$(veth 0)")
    from="$(cpu "$pid")" own_from="$(own)"
    send tx0 "$count" "$pps" "$work/tx"
    sleep 0.5
    used=$(($(cpu "$pid") - from)) own_used=$(($(own) - own_from))
    row stakeout "$run" "$count" "$(field "$work/tx" s)" "$(metric 9618 capture_received_total)" \
      "$(metric 9618 capture_kernel_drops_total)" "$(metric 9618 capture_ring_freezes_total)" \
      $(($(softnet) - before[0])) $(($(veth 0) - before[1])) "$used" "$own_used"
    stop "$pid"
    rm -f "$work"/one/events*
  done
  ;;
workers)
  # Both with the same packets in the same time, on the same core, so that nothing but the sharing differs.
  link 1
  # shellcheck disable=SC2059
  printf "$HEAD" receiver run offered pkt/s received ring frz softnet veth ns/pkt own
  config two rx0 2 9618
  config left rx0 1 9618
  config right rx1 1 9619
  half=$((pps / 2))
  for ((run = 1; run <= runs; run++)); do
    before=("$(softnet)" "$(veth 0)")
    start_daemon two 9618 "$rx_core"
    from="$(cpu "$pid")" own_from="$(own)"
    send tx0 "$count" "$pps" "$work/tx"
    sleep 0.5
    row "2 workers" "$run" "$count" "$(field "$work/tx" s)" "$(metric 9618 capture_received_total)" \
      "$(metric 9618 capture_kernel_drops_total)" "$(metric 9618 capture_ring_freezes_total)" \
      $(($(softnet) - before[0])) $(($(veth 0) - before[1])) $(($(cpu "$pid") - from)) $(($(own) - own_from))
    stop "$pid"

    before=("$(softnet)" $(($(veth 0) + $(veth 1))))
    start_daemon left 9618 "$rx_core"
    left="$pid"
    start_daemon right 9619 "$rx_core"
    right="$pid"
    from=$(($(cpu "$left") + $(cpu "$right"))) own_from="$(own)"
    send tx0 $((count / 2)) "$half" "$work/tx" &
    other=$!
    started+=("$other")
    send tx1 $((count / 2)) "$half" "$work/tx1"
    wait "$other"
    sleep 0.5
    used=$(($(cpu "$left") + $(cpu "$right") - from)) own_used=$(($(own) - own_from))
    row "2 daemons" "$run" "$count" "$(($(field "$work/tx" s) + $(field "$work/tx1" s)))" \
      $(($(metric 9618 capture_received_total) + $(metric 9619 capture_received_total))) \
      $(($(metric 9618 capture_kernel_drops_total) + $(metric 9619 capture_kernel_drops_total))) \
      $(($(metric 9618 capture_ring_freezes_total) + $(metric 9619 capture_ring_freezes_total))) \
      $(($(softnet) - before[0])) $(($(veth 0) + $(veth 1) - before[1])) "$used" "$own_used"
    stop "$left"
    stop "$right"
    rm -f "$work"/*/events*
  done
  ;;
soak)
  steady=$((pps > 0 ? pps : rate * 8 / 10))
  echo "Soak: $minutes minutes at $steady packets/s."
  config one rx0 1 9618
  # Two lists in turn, each put in the place of the other at one stroke.
  rm -f "$work/one/list.txt"
  cp "$list" "$work/a.list"
  { cat "$list"; echo swapped.example; } >"$work/b.list"
  cp "$work/a.list" "$work/one/list.txt"
  start_daemon one 9618 "$rx_core"
  from="$(cpu "$pid")" own_from="$(own)"
  before=("$(softnet)" "$(veth 0)")
  send tx0 $((steady * minutes * 60)) "$steady" "$work/tx" &
  sender=$!
  started+=("$sender")
  swaps=0 peak=(0 0) begun=$SECONDS
  while kill -0 "$sender" 2>/dev/null; do
    which="$([ $((swaps % 2)) = 0 ] && echo b || echo a)"
    cp "$work/$which.list" "$work/one/list.new"
    mv "$work/one/list.new" "$work/one/list.txt"
    swaps=$((swaps + 1))
    get 9618 /metrics >"$work/metrics" || true
    size="$(rss "$pid")"
    # While rules are loaded there are two sets and a parsed list, so single samples say little.
    if ((SECONDS - begun >= warmup)); then
      half=$((SECONDS - begun >= (warmup + minutes * 60) / 2))
      if ((size > peak[half])); then peak[half]="$size"; fi
    fi
    if ((swaps % 30 == 1)); then
      echo "  $((SECONDS - begun)) s: $size KiB, ring drops $(awk '/^stakeout_capture_kernel_drops_total/ { s += $2 } END { print s + 0 }' "$work/metrics"), rule set $(awk '/^stakeout_rule_set_generation/ { print $2 }' "$work/metrics")"
    fi
    # Only for as long as is left of this second.
    sleep 0.9
  done
  wait "$sender"
  sleep 0.5
  # shellcheck disable=SC2059
  printf "$HEAD" receiver run offered pkt/s received ring frz softnet veth ns/pkt own
  row stakeout soak $((steady * minutes * 60)) "$(field "$work/tx" s)" "$(metric 9618 capture_received_total)" \
    "$(metric 9618 capture_kernel_drops_total)" "$(metric 9618 capture_ring_freezes_total)" \
    $(($(softnet) - before[0])) $(($(veth 0) - before[1])) $(($(cpu "$pid") - from)) $(($(own) - own_from))
  echo "Rules put in place $swaps times, loaded $(metric 9618 rule_set_loads_total) times. Peak of memory after $warmup s: ${peak[0]} KiB, then ${peak[1]} KiB: $(awk "BEGIN { printf \"%+.2f\", ${peak[0]} ? (${peak[1]} - ${peak[0]}) * 100 / ${peak[0]} : 0 }") %."
  stop "$pid"
  ;;
esac
