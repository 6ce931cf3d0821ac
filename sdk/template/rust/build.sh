#!/bin/sh
# build.sh: makes build/@NAME@.so with rustc (1.77 or newer), without crates. build.sh check: the tests.
set -eu
cd "$(dirname "$0")"
mkdir -p build
if [ "${1:-}" = check ]; then
  rustc --edition 2021 --test -o build/plugin_test plugin.rs
  exec build/plugin_test
fi
rustc --edition 2021 -O --crate-type cdylib --crate-name plugin -C strip=symbols -o "build/@NAME@.so" plugin.rs
