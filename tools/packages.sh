# Sourced by build.sh: what the packages are made of.

# prepare_native_libraries LIBRARY FOLDER: the files of the native package: LIBRARY (a libwarpline.so) and the oneTBB that it was
# linked with, under a name that no other library asks for, so that another oneTBB in the process cannot take its place. Both
# are stripped; the symbols of ours go to a file of their own, which it names.
prepare_native_libraries() {
  local library=$1 folder=$2 tbb private=libwarpline_tbb.so.12
  tbb=$(ldd "$library" | sed -n 's/^\s*libtbb\.so\.12 => \(\/[^ ]*\).*/\1/p')
  if [ -z "$tbb" ]; then
    echo "$library needs no libtbb.so.12 that ldd can find"
    return 1
  fi
  rm -rf "$folder"
  mkdir -p "$folder"
  objcopy --strip-unneeded "$tbb" "$folder/$private"
  objcopy --only-keep-debug "$library" "$folder/libwarpline.so.debug"
  objcopy --strip-unneeded --add-gnu-debuglink="$folder/libwarpline.so.debug" "$library" "$folder/libwarpline.so"
  # After stripping, which can break what patchelf moved; one change a call, because patchelf 0.14 mixes several up.
  patchelf --set-soname "$private" "$folder/$private"
  patchelf --replace-needed libtbb.so.12 "$private" "$folder/libwarpline.so"
  patchelf --set-rpath "\$ORIGIN" "$folder/libwarpline.so"
  chmod 644 "$folder"/*
}

# write_packages FOLDER: a package of each packable project of the solution.
write_packages() {
  rm -rf "$1"
  dotnet pack Kernels.sln -c Release -v quiet -o "$1"
  ls -l "$1"
}
