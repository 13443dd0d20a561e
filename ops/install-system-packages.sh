#!/usr/bin/env bash
# What the tests need from the operating system: a Chromium and its driver, for the test that
# looks at the live page. Does nothing where both are there. On Debian and Ubuntu it installs
# them with apt (as root, or by sudo where that asks no password); elsewhere it says what to
# install and fails, so that no test is skipped in silence.
set -euo pipefail

first_of() {
    local name
    for name in "$@"; do
        if command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

missing=()
first_of chromium chromium-browser google-chrome google-chrome-stable "${CHROMIUM:-chromium}" ||
    missing+=(chromium)
first_of chromedriver chromium.chromedriver "${CHROMEDRIVER:-chromedriver}" ||
    missing+=(chromium-driver)
if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
if ! first_of apt-get || ! { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
    {
        echo "The browser test needs Chromium (or Chrome) and chromedriver of the same version."
        echo "  Debian, Ubuntu:  sudo apt-get install chromium chromium-driver"
        echo "  Fedora:          sudo dnf install chromium chromedriver"
        echo "  macOS:           brew install --cask chromium chromedriver"
        echo "Elsewhere: put both on the PATH, or name them in CHROMIUM and CHROMEDRIVER."
    } >&2
    exit 1
fi

echo "installing ${missing[*]} with apt, for the test that looks at the live page" >&2
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
