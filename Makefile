# The two commands of the README, and what else is done often. Every target does its own set-up: it names the Debian
# packages that are missing and installs them (with sudo where the user is not root).

CARGO ?= cargo
SHELL := /bin/bash

.PHONY: demo test lint bench bench-dnstap bench-live bench-peers bpf soak setup-build setup-test man clean

## Builds the program and runs the main job on traffic that it makes itself.
demo: setup-build
	$(CARGO) run --release --quiet -- demo

## Everything: unit, property, command-line, replay, live and privacy tests.
test: setup-build setup-test
	$(CARGO) test --no-fail-fast
	@if [ -d fuzz ] && rustup toolchain list 2>/dev/null | grep -q nightly; then tools/fuzz.sh check; \
	 else echo "fuzzing skipped: no nightly toolchain"; fi

## What CI checks beside the tests.
lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) check --no-default-features
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
	   $(CARGO) fetch --quiet && $(CARGO) deny --offline check licenses bans sources; \
	 else echo "cargo deny skipped: not installed (cargo install cargo-deny)"; fi

## Parts (criterion), then whole runs beside a bare libpcap count loop. PACKETS=… chooses the size.
bench: setup-build
	$(CARGO) bench
	tools/bench.sh

## dnstap messages a second of the whole daemon.
bench-dnstap: setup-build
	tools/bench-dnstap.sh

## The daemon on live traffic beside a bare ring, on links of its own. RUNS, SECONDS_EACH, PPS: see tools/bench-live.sh.
bench-live: setup-build setup-test
	tools/bench-live.sh

## Whole runs beside other programs, those that are found. PACKETS=… and RUNS=… make it shorter.
bench-peers: setup-build
	PACKETS=$(or $(PACKETS),2000000) RUNS=$(or $(RUNS),3) tools/bench-peers.sh

## The long forms of what `make test` runs short: fuzzing, property tests, live runs.
soak: setup-build setup-test
	PROPTEST_CASES=20000 $(CARGO) test --release --no-fail-fast
	tools/fuzz.sh 600

## Compiles the eBPF programs; the objects are committed, so that building needs no clang. Debian 12's clang 14 makes the
## objects that the test compares with.
BPF_CLANG = clang -target bpf -mcpu=v3 -O2 -Wall -Wextra -Werror -c
XDP_OBJECT ?= src/capture/ring/xdp/redirect.bpf.o
BPF_OBJECT ?= src/capture/prefilter/ebpf/prefilter.bpf.o
bpf:
	cd src/capture/prefilter/ebpf && $(BPF_CLANG) prefilter.bpf.c -o $(abspath $(BPF_OBJECT))
	cd src/capture/ring/xdp && $(BPF_CLANG) redirect.bpf.c -o $(abspath $(XDP_OBJECT))

setup-build:
	@tools/setup.sh build

setup-test:
	@tools/setup.sh test
