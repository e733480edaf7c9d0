#!/usr/bin/env bash
# tools/oracles/npm.sh FOLDER PACKAGE[@VERSION]...: puts npm packages that tests compare with into FOLDER/node_modules, below
# the build folder: they are never committed and nothing that is built uses them. Does nothing where they are there already.
# Ends with 3, and the reason as the only line on its error output, where they cannot be had.
set -euo pipefail
folder=${1:?a folder is required}
shift
wanted="${*:?a package is required}"

give_up() {
  echo "$1" >&2
  exit 3
}

complete() { [ "$(cat "$folder/packages.txt" 2>/dev/null)" = "$wanted" ]; }

if complete; then exit; fi
for program in node npm; do
  command -v "$program" >/dev/null || give_up "no $program on the PATH"
done
mkdir -p "$(dirname "$folder")"
# Two runs at once would delete each other's folders.
exec 9>"$folder.lock"
flock 9
if complete; then exit; fi
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo '{"private": true}' >"$work/package.json"
# Packages' own scripts do not run: only their files are wanted. A registry that cannot be reached is given up after seconds.
options=(--ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=4000)
if ! npm install --prefix "$work" "${options[@]}" "$@" >"$work/log" 2>&1; then
  give_up "npm cannot install $wanted: $(grep -m 1 'npm error' "$work/log" || tail -n 1 "$work/log")"
fi
echo "$wanted" >"$work/packages.txt"
rm -rf "$folder"
mv -T "$work" "$folder"
