#include "core/packed_weight.h"

#include <cstdio>
#include <cstring>
#include <string>

#include "core/failure.h"
#include "core/tensor.h"

namespace wl {
namespace {

constexpr uint32_t kVersion = 1;
constexpr uint64_t kPanelRows = 16;

std::string hex(uint64_t value) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "0x%llx", static_cast<unsigned long long>(value));
  return buffer;
}

uint64_t checksum(const wl_packed_weight_header& header) {
  unsigned char bytes[offsetof(wl_packed_weight_header, checksum)];
  std::memcpy(bytes, &header, sizeof bytes);
  uint64_t hash = 0xcbf29ce484222325u;
  for (const unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

}  // namespace

uint64_t packed_weight_bytes(int32_t dtype, int64_t n, int64_t k, const char* name) {
  const auto group = static_cast<uint64_t>(dtype == WL_DTYPE_FLOAT32 ? 1 : 2);
  const uint64_t rows = (static_cast<uint64_t>(n) + kPanelRows - 1) / kPanelRows * kPanelRows;
  const uint64_t steps = (static_cast<uint64_t>(k) + group - 1) / group * group;
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(rows, steps, &bytes) ||
      __builtin_mul_overflow(bytes, static_cast<uint64_t>(element_size(dtype)), &bytes) ||
      __builtin_add_overflow(bytes, sizeof(wl_packed_weight_header), &bytes) || bytes > INT64_MAX) {
    invalid(name, text(n) + " x " + text(k), "small enough for packed bytes of under 2^63");
  }
  return bytes;
}

wl_packed_weight_header packed_weight_header(int32_t dtype, int64_t n, int64_t k) {
  wl_packed_weight_header header{};
  header.magic = WL_PACKED_WEIGHT_MAGIC;
  header.version = kVersion;
  header.layout = WL_PACKED_LAYOUT_PANEL16;
  header.dtype = dtype;
  header.n = n;
  header.k = k;
  header.bytes = packed_weight_bytes(dtype, n, k, "weight.shape");
  header.checksum = checksum(header);
  return header;
}

wl_packed_weight_header read_packed_weight(const void* packed, uint64_t packed_bytes, const char* name) {
  const std::string own = name;
  const std::string bytes_name = own + "_bytes";
  if (packed_bytes < sizeof(wl_packed_weight_header)) {
    invalid(bytes_name, text(packed_bytes), "at least " + text(uint64_t{sizeof(wl_packed_weight_header)}));
  }
  wl_packed_weight_header header;
  std::memcpy(&header, packed, sizeof header);
  if (header.magic != WL_PACKED_WEIGHT_MAGIC) {
    invalid(own + ".magic", hex(header.magic),
            hex(WL_PACKED_WEIGHT_MAGIC) + ": bytes that wl_gemm_pack wrote");
  }
  if (header.version != kVersion) {
    fail(WL_STATUS_UNSUPPORTED, own + ".version", text(header.version), text(kVersion));
  }
  if (header.layout != WL_PACKED_LAYOUT_PANEL16) {
    fail(WL_STATUS_UNSUPPORTED, own + ".layout", text(header.layout), "PANEL16 (1)");
  }
  if (header.checksum != checksum(header)) {
    invalid(own + ".checksum", hex(header.checksum), hex(checksum(header)) + ": the header is damaged");
  }
  if (header.dtype < 0 || header.dtype >= 32 || (kFloats & dtype_bit(header.dtype)) == 0) {
    invalid(own + ".dtype", text(header.dtype), "float32 (1), float16 (2) or bfloat16 (3)");
  }
  if (header.reserved0 != 0 || header.reserved1 != 0)
    fail(WL_STATUS_UNSUPPORTED, own + ".reserved", "set", "zero");
  if (header.n < 0) invalid(own + ".n", text(header.n), "at least 0");
  if (header.k < 0) invalid(own + ".k", text(header.k), "at least 0");
  const uint64_t expected = packed_weight_bytes(header.dtype, header.n, header.k, name);
  if (header.bytes != expected) {
    invalid(own + ".bytes", text(header.bytes), text(expected) + ", the size that its shape and type need");
  }
  if (packed_bytes < expected) {
    invalid(bytes_name, text(packed_bytes), "at least " + text(expected) + ", the bytes of its header");
  }
  const auto address = reinterpret_cast<uintptr_t>(packed);
  const auto alignment = static_cast<uintptr_t>(element_size(header.dtype));
  if (address % alignment != 0) {
    invalid(name, "misaligned", "aligned to its elements of " + text(element_size(header.dtype)) + " bytes");
  }
  if (address + expected < address) {
    invalid(name, "an address whose bytes would wrap around", "within the address space");
  }
  return header;
}

}  // namespace wl
