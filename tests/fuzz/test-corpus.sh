#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every fuzzer over its corpus: what once was found stays mended.
set -eu
build=${SYNWARD_BUILD:-.}
corpus=${SYNWARD_SOURCE:-.}/tests/fuzz/corpus
status=0

for fuzzer in "$build"/tests/fuzz/fuzz-*; do
        case $fuzzer in *.o | *.trs | *.log) continue ;; esac
        [ -x "$fuzzer" ] || continue
        name=${fuzzer##*/fuzz-}
        if [ ! -d "$corpus/$name" ]; then
                echo "not ok - $name has no corpus"
                status=1
        elif "$fuzzer" "$corpus/$name"/* >/dev/null; then
                echo "ok - $name"
        else
                echo "not ok - $name"
                status=1
        fi
done
exit $status
