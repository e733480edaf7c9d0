#!/usr/bin/env bash
# Copied to build/bin/warpline by the build: runs the command from the build folder that it lies in.
set -euo pipefail
folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../dotnet/bin/Warpline.Cli
for configuration in release debug; do
  if [ -e "$folder/$configuration/Warpline.Cli.dll" ]; then exec dotnet "$folder/$configuration/Warpline.Cli.dll" "$@"; fi
done
echo "no Warpline.Cli.dll below $(readlink -m "$folder"): run ./build.sh build" >&2
exit 1
