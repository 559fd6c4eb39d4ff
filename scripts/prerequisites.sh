#!/bin/sh
# Makes sure of the programs that Smidgen needs, on Debian and Ubuntu.
# Installs missing packages through apt when it can become root; otherwise says what to install.
# Usage: prerequisites.sh [PACKAGE...], further Debian packages that are needed too.
set -eu

missing=""
need() { # need PACKAGE COMMAND...: the package is missing unless the command succeeds
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

need python3 python3 --version
need python3-venv python3 -c 'import ensurepip, venv'
need gcc gcc --version
need g++ g++ --version
need verilator verilator --version
need gcc-riscv64-unknown-elf riscv64-unknown-elf-gcc --version
for package in "$@"; do
    need "$package" dpkg -s "$package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    become_root=""
elif sudo -n true 2>/dev/null; then
    become_root="sudo -n"
else
    become_root="none"
fi

if [ "$become_root" = none ] || ! command -v apt-get >/dev/null; then
    echo "Smidgen needs these packages, and this user may not install them:" >&2
    echo "    sudo apt-get install$missing" >&2
    exit 1
fi

echo "installing$missing"
install() {
    # shellcheck disable=SC2086 # both are lists of words
    $become_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}
install || { $become_root apt-get update -qq && install; }
