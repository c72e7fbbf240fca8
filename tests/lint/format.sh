#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# All C is as clang-format makes it by .clang-format. What other versions of it make differs.
#   tests/lint/format.sh [--fix]
cd "$(dirname "$0")/../.." || exit 1
version=19

if ! command -v clang-format-$version >/dev/null; then
        echo "SKIP: no clang-format-$version here: how the C is laid out was not looked at"
        exit 77
fi
mapfile -t files < <(git ls-files '*.[ch]')
[ "${1-}" != --fix ] || exec clang-format-$version -i "${files[@]}"
if ! bad=$(clang-format-$version --dry-run -Werror "${files[@]}" 2>&1); then
        grep "error:" <<<"$bad" | head -n 20
        echo "not ok - not as .clang-format says; tests/lint/format.sh --fix mends it"
        exit 1
fi
echo "ok - ${#files[@]} files of C are as .clang-format says"
