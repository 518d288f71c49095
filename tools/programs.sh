#!/usr/bin/env bash
# See to it that the programs named are there, `tools/programs.sh chromium promtool`: take what is there, and as root
# install Debian's packages of what is missing.
set -euo pipefail
PATH=$PATH:/usr/sbin

is_there() {
    local name=$1
    if [ "$name" = chromium ]; then
        for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
            if [ -n "$name" ] && command -v "$name" >/dev/null; then return 0; fi
        done
        return 1
    fi
    command -v "$name" >/dev/null
}

packages_of() {
    case $1 in
        chromium) echo chromium fonts-dejavu-core ;;
        promtool) echo prometheus ;;
        ip) echo iproute2 ;;
        *) echo "$1" ;;
    esac
}

missing=()
for program in "$@"; do is_there "$program" || missing+=("$program"); done
if [ ${#missing[@]} = 0 ]; then exit 0; fi

read -ra packages <<<"$(for program in "${missing[@]}"; do packages_of "$program"; done | xargs)"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${packages[*]} for the tests …"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null && exit 0
fi
echo "The tests need ${missing[*]}: apt-get install ${packages[*]} (CHROMIUM may name another browser)." >&2
exit 1
