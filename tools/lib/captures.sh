# For sourcing: makes the isp and meta captures of the shared generator, and keeps them in a cache as tools/bench.sh does.
# shellcheck shell=bash

# make_generator SHARED CACHE: builds the generator in the cache, out of the shared sources, unless it is there.
make_generator() {
  local shared="$1" cache="$2"
  [ -x "$cache/generator/target/release/gen" ] && return
  echo "Building the generator of isp and meta traffic" >&2
  rm -rf "$cache/generator"
  cp -r "$shared/bench/traffic" "$cache/generator"
  chmod -R u+w "$cache/generator"
  # It lies inside this package's directory and is none of it.
  printf '\n[workspace]\n' >>"$cache/generator/Cargo.toml"
  CARGO_TARGET_DIR="$cache/generator/target" cargo build --release --quiet --manifest-path "$cache/generator/Cargo.toml"
}

# capture_of WHICH PACKETS SHARED CACHE: prints the path of a capture, without its ending, that holds about PACKETS packets
# of isp, or six tenths as many of meta; makes it if it is not there. Its truth lies beside it. The full lengths are those
# that tools/bench.sh uses, and have its names.
capture_of() {
  local which="$1" packets="$2" shared="$3" cache="$4" seed=1 at
  at="$cache/$which"
  [ "$packets" = 2000000 ] || at="$cache/$which-$packets"
  [ "$which" = isp ] || { seed=2; packets=$((packets * 6 / 10)); }
  if [ ! -s "$at.pcap" ] || [ ! -s "$at.truth.tsv" ] || [ ! -s "$cache/blocklist.txt" ]; then
    make_generator "$shared" "$cache"
    echo "Making $packets packets of $which traffic" >&2
    "$cache/generator/target/release/gen" "$which" "$packets" "$seed" "$at" "$cache/made.txt" >/dev/null
    # The list does not depend on the length.
    [ ! -s "$cache/made.txt" ] || mv "$cache/made.txt" "$cache/blocklist.txt"
  fi
  echo "$at"
}
