#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Goal: the commands that share work among threads say the same with four as with one, and under
# ThreadSanitizer without a race. Method: the program itself, once each, over files of the tree.
set -eu
lacuna=$1
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
XDG_CONFIG_HOME=$folder
export XDG_CONFIG_HOME

# The same command with one thread and with four; WANT is the exit status of both.
compare() {
    name=$1 want=$2
    shift 2
    for threads in 1 4; do
        status=0
        "$lacuna" "$@" --threads "$threads" >"$folder/$name.$threads" 2>"$folder/errors" || status=$?
        if [ "$status" != "$want" ]; then
            echo "$name: exit status $status with $threads threads, expected $want"
            cat "$folder/errors"
            exit 1
        fi
        if [ ! -s "$folder/$name.$threads" ]; then
            echo "$name: said nothing with $threads threads"
            exit 1
        fi
    done
    cmp "$folder/$name.1" "$folder/$name.4"
}

head -n 200 tests/data/eval/mixed.jsonl >"$folder/labelled.jsonl"
mkdir "$folder/pack"
cat >"$folder/pack/pack.yaml" <<'END'
name: other
version: 1
base: builtin
prior: {public: 0.25, internal: 0.55, proprietary: 0.2}
END

compare scan 1 scan --quiet --format jsonl tests/data/eval samples common/base
compare lines 1 scan --quiet --jsonl "$folder/labelled.jsonl"
compare eval 0 eval --format json "$folder/labelled.jsonl"
compare diff 1 pack diff --strategy aggressive --format json --requests samples/requests.jsonl \
    builtin "$folder/pack"
