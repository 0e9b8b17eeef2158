#!/bin/sh
# Sees that there is a Chromium for the tests of pages; CHROMIUM names another than Debian's.
set -e
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] && exit 0
if [ -z "$CHROMIUM" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && exec apt-get install -y -qq --no-install-recommends chromium
fi
echo "the tests of pages need Chromium: apt-get install chromium, or set CHROMIUM to the path of one" >&2
exit 1
