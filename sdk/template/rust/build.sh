#!/bin/sh
# build.sh: makes build/@NAME@.so with rustc (1.77 or newer), without crates. build.sh check: the tests.
set -eu
cd "$(dirname "$0")"
mkdir -p build/link
if [ "${1:-}" = check ]; then
  rustc --edition 2021 --test -o build/plugin_test plugin.rs
  exec build/plugin_test
fi
# Links the unwinder into the file, so that it loads where there is only a libc.
echo 'INPUT(-lgcc_eh -lgcc -lc)' > build/link/libgcc_s.so
rustc --edition 2021 -O --crate-type cdylib --crate-name plugin -C strip=symbols -L build/link -o "build/@NAME@.so" plugin.rs
