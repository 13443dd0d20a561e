#!/usr/bin/env bash
# What the tests need from the operating system: a Chromium, for the tests that walk over the pages;
# Java and Maven, for the Kafka broker of the tests; PgBouncer, for those of a
# pooler before PostgreSQL. Does nothing where all are there. On Debian and Ubuntu it installs them with apt (as root, or by sudo where that asks no
# password). Elsewhere it says what to install: without a browser it fails, so that no test is
# skipped in silence; without Java, Maven or PgBouncer the tests of those are skipped, and say so.
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
of_kafka=()
first_of java "${JAVA_HOME:-}/bin/java" || of_kafka+=(default-jre-headless)
first_of mvn || of_kafka+=(maven)
of_pooler=()
first_of pgbouncer /usr/sbin/pgbouncer || of_pooler+=(pgbouncer)
if [ "${#missing[@]}" -eq 0 ] && [ "${#of_kafka[@]}" -eq 0 ] && [ "${#of_pooler[@]}" -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
if ! first_of apt-get || ! { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
    if [ "${#of_kafka[@]}" -gt 0 ]; then
        echo "no Kafka broker for the tests: install Java 17 or newer, and Maven (${of_kafka[*]})" >&2
    fi
    if [ "${#of_pooler[@]}" -gt 0 ]; then
        echo "no pooler before PostgreSQL for the tests: install PgBouncer (${of_pooler[*]})" >&2
    fi
    if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi
    {
        echo "The tests of the pages need Chromium or Chrome."
        echo "  Debian, Ubuntu:  sudo apt-get install chromium"
        echo "  Fedora:          sudo dnf install chromium"
        echo "  macOS:           brew install --cask chromium"
        echo "Elsewhere: put it on the PATH, or name it in CHROMIUM."
    } >&2
    exit 1
fi

install() {
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq \
        --no-install-recommends "$@" >/dev/null
}
echo "installing ${missing[*]} ${of_kafka[*]} ${of_pooler[*]} with apt, for the tests that walk over the" \
    "pages, those of Kafka and those of a pooler" >&2
"${as_root[@]}" apt-get update -qq
if [ "${#missing[@]}" -gt 0 ]; then install "${missing[@]}"; fi
if [ "${#of_kafka[@]}" -gt 0 ]; then
    install "${of_kafka[@]}" || echo "no Kafka broker for the tests: apt gives no ${of_kafka[*]}" >&2
fi
if [ "${#of_pooler[@]}" -gt 0 ]; then
    install "${of_pooler[@]}" || echo "no pooler for the tests: apt gives no ${of_pooler[*]}" >&2
fi
