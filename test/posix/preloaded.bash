# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# For run_fio and run_stress_ng: programs as Debian ships them, with the drop-in preloaded.

usage() {
    sed -n 's/^# \{0,1\}//; 4,/^$/p' "$0" >&2
    exit 2
}

# Sets $library and $directories from the arguments LIBRARY DIRECTORY...
read_arguments() {
    [ $# -ge 2 ] || usage
    library=$(realpath -- "$1")
    directories=("${@:2}")
    local directory
    for directory in "${directories[@]}"; do
        [ -d "$directory" ] || usage
    done
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
}

# preloaded PROGRAM ARGUMENT...
preloaded() { LD_PRELOAD=$library "$@"; }

# must_bind NAME PROGRAM ARGUMENT...: runs it, and fails unless the dynamic linker reports that
# the program took NAME from the library. Otherwise everything would be tested but that.
must_bind() {
    local name=$1
    LD_DEBUG=bindings LD_DEBUG_OUTPUT=$work/bindings preloaded "${@:2}" >"$work/output" 2>&1 ||
        { cat "$work/output" && return 1; }
    if ! grep -hF "\`$name'" "$work"/bindings.* | grep -qF "to $library "; then
        printf '%s does not take %s from %s\n' "$2" "$name" "$library" >&2
        return 1
    fi
    rm -f "$work"/bindings.*
}
