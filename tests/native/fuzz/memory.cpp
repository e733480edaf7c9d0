#include "fuzz/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#define WL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WL_ASAN 1
#endif
#endif
#ifdef WL_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace wl::fuzz {
namespace {

constexpr int64_t kMargin = 128;
constexpr int64_t kSmallBytes = 1 << 16;
constexpr int64_t kSparseBytes = int64_t{1} << 36;
constexpr int64_t kMostElements = 4096;
constexpr unsigned char kCanary = 0xa5;

int64_t element_bytes(int32_t dtype) {
  return dtype == WL_DTYPE_FLOAT16 || dtype == WL_DTYPE_BFLOAT16 ? 2 : 4;
}

}  // namespace

View view_of(const wl_tensor& t, int64_t* bytes) {
  *bytes = 0;
  if (t.dtype < WL_DTYPE_FLOAT32 || t.dtype > WL_DTYPE_INT32 || t.rank < 0 || t.rank > WL_MAX_RANK)
    return View::kImpossible;
  __int128 last = 0, count = 1;
  bool empty = false;
  constexpr __int128 kEnd = __int128{1} << 63;
  for (int axis = 0; axis < t.rank; ++axis) {
    const int64_t extent = t.shape[axis], stride = t.strides[axis];
    if (extent < 0 || stride < 0) return View::kImpossible;
    empty |= extent == 0;
    if (extent == 0) continue;
    last += static_cast<__int128>(extent - 1) * stride;
    if (last >= kEnd) last = kEnd;
    if (count < kEnd) count *= extent;
  }
  if (empty) return View::kEmpty;
  const __int128 span = (last + 1) * element_bytes(t.dtype);
  if (span >= kEnd || count >= kEnd) return View::kImpossible;
  if (count > kMostElements || span > kSparseBytes) return View::kTooLarge;
  *bytes = static_cast<int64_t>(span);
  return span <= kSmallBytes ? View::kSmall : View::kSparse;
}

Memory::Memory(View view, int64_t bytes, int misaligned) : bytes_(bytes) {
  if (view == View::kSparse) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t inner = (static_cast<size_t>(bytes) + 64 + page - 1) / page * page;
    mapped_bytes_ = inner + 2 * page;
    mapped_ = mmap(nullptr, mapped_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped_ == MAP_FAILED) std::abort();
    auto* begin = static_cast<unsigned char*>(mapped_) + page;
    if (mprotect(begin, inner, PROT_READ | PROT_WRITE) != 0) std::abort();
    // As near to the guard page behind as the alignment allows.
    data_ =
        begin + (inner - static_cast<size_t>(bytes) - static_cast<size_t>(misaligned)) / 64 * 64 + misaligned;
    return;
  }
  const auto size = static_cast<size_t>(bytes + 2 * kMargin + misaligned);
  block_ = static_cast<unsigned char*>(std::aligned_alloc(64, (size + 63) / 64 * 64));
  std::memset(block_, kCanary, size);
  data_ = block_ + kMargin + misaligned;
}

void Memory::release() {
  if (mapped_ != nullptr) munmap(mapped_, mapped_bytes_);
  if (block_ != nullptr) poison(false);
  std::free(block_);
}

Memory::~Memory() { release(); }

Memory::Memory(Memory&& other) noexcept { *this = std::move(other); }

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(block_, other.block_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(mapped_, other.mapped_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(frozen_, other.frozen_);
  return *this;
}

void Memory::poison([[maybe_unused]] bool on) const {
#ifdef WL_ASAN
  const auto mark = on ? __asan_poison_memory_region : __asan_unpoison_memory_region;
  mark(block_, static_cast<size_t>(data_ - block_));
  mark(data_ + bytes_, kMargin);
#endif
}

void Memory::freeze() {
  if (block_ == nullptr) return;
  frozen_.assign(data_, data_ + bytes_);
  poison(true);
}

bool Memory::margins_intact() const {
  if (block_ == nullptr) return true;
  poison(false);
  for (const unsigned char* at = block_; at != data_; ++at) {
    if (*at != kCanary) return false;
  }
  for (int64_t i = 0; i < kMargin; ++i) {
    if (data_[bytes_ + i] != kCanary) return false;
  }
  return true;
}

bool Memory::unchanged() const {
  return margins_intact() && (frozen_.empty() || std::memcmp(frozen_.data(), data_, frozen_.size()) == 0);
}

bool Memory::changed_outside(const wl_tensor& t) const {
  if (!margins_intact()) return true;
  if (frozen_.empty()) return false;
  std::vector<bool> inside(frozen_.size());
  for (const int64_t offset : element_offsets(t)) {
    for (int64_t i = 0; i < element_bytes(t.dtype); ++i) inside[static_cast<size_t>(offset + i)] = true;
  }
  for (size_t i = 0; i < frozen_.size(); ++i) {
    if (!inside[i] && frozen_[i] != data_[i]) return true;
  }
  return false;
}

std::vector<int64_t> element_offsets(const wl_tensor& t) {
  std::vector<int64_t> offsets{0};
  for (int axis = 0; axis < t.rank; ++axis) {
    std::vector<int64_t> next;
    for (const int64_t offset : offsets) {
      for (int64_t i = 0; i < t.shape[axis]; ++i)
        next.push_back(offset + i * t.strides[axis] * element_bytes(t.dtype));
    }
    offsets = std::move(next);
  }
  return offsets;
}

}  // namespace wl::fuzz
