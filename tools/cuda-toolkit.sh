# Finds a CUDA toolkit, or gets one on Debian 12. Sourced by build.sh; run by itself it prints the toolkit's folder, which is
# how CMake asks. Needs as_root from tools/setup.sh only where the machine has no package index yet.

cuda_release_wanted=12.4
cuda_installed=/usr/local/cuda
cuda_cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/warpline
cuda_remedy="install NVIDIA's CUDA toolkit $cuda_release_wanted or newer from https://developer.nvidia.com/cuda-downloads and set CUDA_HOME to its folder"

# cuda_release FOLDER: the toolkit's release ("12.4"); fails where there is no nvcc that runs.
cuda_release() {
  [ -x "$1/bin/nvcc" ] && "$1/bin/nvcc" --version 2>/dev/null | sed -nE 's/.*release ([0-9]+\.[0-9]+).*/\1/p' | grep .
}

cuda_candidates() {
  local nvcc
  echo "${CUDA_HOME:-}"
  echo "${CUDA_PATH:-}"
  if nvcc=$(command -v nvcc); then dirname "$(dirname "$(readlink -f "$nvcc")")"; fi
  echo "$cuda_installed"
  echo "$cuda_cache/cuda-$cuda_release_wanted"
}

# The folder of the first toolkit that is new enough; why a folder that exists will not do goes to the error output.
find_cuda_toolkit() {
  local folder release
  while read -r folder; do
    [ -d "$folder" ] || continue
    if ! release=$(cuda_release "$folder"); then
      echo "$folder: no nvcc that runs in bin" >&2
    elif [ "$(printf '%s\n' "$cuda_release_wanted" "$release" | sort -V | head -n 1)" != "$cuda_release_wanted" ]; then
      echo "$folder: CUDA $release, but $cuda_release_wanted or newer is needed" >&2
    else
      echo "$folder"
      return
    fi
  done < <(cuda_candidates)
  return 1
}

# Debian 13 packages the toolkit, and its programs and g++ 12 work together; with Debian 13's own g++ 14 and glibc they
# do not. So Debian 12 is the one system that can be served.
can_get_cuda_toolkit() {
  [ "$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}")" = "debian 12" ] && [ "$(dpkg --print-architecture)" = amd64 ]
}

# The address from which this machine gets Debian itself.
debian_mirror() {
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 !~ /-/ { print $3; exit }'
}

# apt_apart FOLDER ARGUMENT...: apt-get with sources, lists and archives of its own, so that the machine's stay as they are.
apt_apart() {
  apt-get -q -o Dir::Etc::sourcelist="$1/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::Lists="$1/lists" \
    -o Dir::Cache="$1" -o Dir::Cache::archives="$1/archives" -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3 "${@:2}"
}

# unpack FOLDER PACKAGE PATTERN...: what matches of the package, below FOLDER/root; the package is deleted.
unpack() {
  local package=("$1/$2"_*.deb)
  dpkg-deb --fsys-tarfile "${package[0]}" | tar -x -C "$1/root" --no-same-owner --wildcards "${@:3}"
  rm "${package[0]}"
}

# download_cuda_toolkit FOLDER: the toolkit as FOLDER/toolkit, laid out as NVIDIA's own.
download_cuda_toolkit() {
  local work=$1 mirror from=$1/root/usr to=$1/toolkit libraries=./usr/lib/x86_64-linux-gnu
  mirror=$(debian_mirror)
  if [ -z "$mirror" ]; then
    as_root apt-get update -q
    mirror=$(debian_mirror)
  fi
  if [ -z "$mirror" ]; then
    echo "apt's sources name no Debian mirror"
    return 1
  fi
  mkdir -p "$work"/{lists,archives}/partial "$work/root"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main non-free" >"$work/sources.list"
  apt_apart "$work" update
  (cd "$work" && apt_apart "$work" download nvidia-cuda-toolkit nvidia-cuda-dev libnvvm4 libcudart12 libcu++-dev)
  unpack "$work" nvidia-cuda-toolkit './usr/bin/*' './usr/lib/nvidia-cuda-toolkit/bin/*' './usr/lib/nvidia-cuda-toolkit/libdevice/*' \
    './usr/share/doc/nvidia-cuda-toolkit/copyright'
  unpack "$work" nvidia-cuda-dev './usr/include/*' "$libraries/libcuda*" "$libraries/stubs/libcuda.so"
  unpack "$work" libnvvm4 "$libraries/*"
  unpack "$work" libcudart12 "$libraries/*"
  unpack "$work" libcu++-dev './usr/include/*'

  mkdir -p "$to"/{bin,lib64/stubs,nvvm/bin,nvvm/lib64}
  mv "$from"/bin/{__nvcc_device_query,bin2c,cu++filt,cudafe++,cuobjdump,fatbinary,nvdisasm,nvlink,nvprune,ptxas} "$to/bin"
  mv "$from"/lib/nvidia-cuda-toolkit/bin/{nvcc,crt} "$to/bin"
  mv "$from/lib/nvidia-cuda-toolkit/bin/cicc" "$to/nvvm/bin"
  mv "$from/lib/nvidia-cuda-toolkit/libdevice" "$to/nvvm"
  mv "$from"/lib/x86_64-linux-gnu/libnvvm.so* "$to/nvvm/lib64"
  mv "$from/lib/x86_64-linux-gnu/stubs/libcuda.so" "$to/lib64/stubs"
  mv "$from"/lib/x86_64-linux-gnu/libcuda* "$to/lib64"
  mv "$from/include" "$to"
  mv "$from/share/doc/nvidia-cuda-toolkit/copyright" "$to/LICENSE"
  cat >"$to/bin/nvcc.profile" <<'PROFILE'
TOP                = $(_HERE_)/..
NVVMIR_LIBRARY_DIR = $(TOP)/nvvm/libdevice
PATH              += $(TOP)/nvvm/bin:$(_HERE_):
INCLUDES          += "-I$(TOP)/include" $(_SPACE_)
LIBRARIES         =+ $(_SPACE_) "-L$(TOP)/lib64/stubs" "-L$(TOP)/lib64"
PROFILE

  # A tree that cannot compile must not stay, because it would be found ever after.
  echo '__global__ void probe(float* x) { *x += 1; }' >"$work/probe.cu"
  "$to/bin/nvcc" -arch=sm_90 -cubin -o "$work/probe.cubin" "$work/probe.cu"
}

# Finds a toolkit or gets one into the user's cache; whatever happens, nothing but a complete one stays there.
get_cuda_toolkit() (
  set -euo pipefail
  if find_cuda_toolkit; then exit; fi
  if ! can_get_cuda_toolkit; then
    echo "no CUDA toolkit of $cuda_release_wanted or newer here, and only on Debian 12 (amd64) can it be had from the distribution"
    exit 1
  fi
  mkdir -p "$cuda_cache"
  # 1.03 GB of packages and what is kept of them.
  free=$(df -Pk "$cuda_cache" | awk 'NR == 2 { print int($4 / 1024) }')
  if [ "$free" -lt 2048 ]; then
    echo "$cuda_cache has $free MB of free disk space; the toolkit needs 2048 MB until it is unpacked, 230 MB then"
    exit 1
  fi
  # What a killed run left behind.
  find "$cuda_cache" -maxdepth 1 -name 'unfinished.*' -mmin +60 -exec rm -rf {} +
  work=$(mktemp -d "$cuda_cache/unfinished.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM HUP
  download_cuda_toolkit "$work"
  rm -rf "$cuda_cache/cuda-$cuda_release_wanted"
  mv -T "$work/toolkit" "$cuda_cache/cuda-$cuda_release_wanted"
  find_cuda_toolkit
)

# The rest of a run goes on without it; the tests say what they think of that.
get_cuda_toolkit_in_ci() {
  set +e
  get_cuda_toolkit
  true
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then find_cuda_toolkit; fi
