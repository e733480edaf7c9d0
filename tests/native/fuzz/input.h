// Reads numbers from the bytes of a fuzzer; past their end all are zero. Any bytes are legal input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wl::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  bool empty() const { return left_ == 0; }
  uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  uint8_t below(size_t count) { return static_cast<uint8_t>(byte() % count); }

  // An extent that a legal call may have; some are only possible beside an extent of zero.
  int64_t extent() {
    constexpr int64_t kExtents[] = {2, 3, 1, 4, 5, 8, 0, 16, 7, 9, 17, 31, 33, 64, 65, 128};
    constexpr int64_t kAbsurd[] = {1 << 20, int64_t{1} << 31, int64_t{1} << 33, int64_t{1} << 62};
    const uint8_t choice = byte();
    return choice >= 252 ? kAbsurd[choice - 252] : kExtents[choice % 16];
  }

  // A number that breaks things: small, around a power of two, or any.
  int64_t value() {
    constexpr int64_t kNumbers[] = {15,
                                    16,
                                    17,
                                    63,
                                    64,
                                    100,
                                    128,
                                    255,
                                    1000,
                                    4096,
                                    65536,
                                    1 << 20,
                                    INT32_MAX,
                                    int64_t{1} << 31,
                                    UINT32_MAX,
                                    int64_t{1} << 32,
                                    (int64_t{1} << 32) + 1,
                                    int64_t{1} << 40,
                                    int64_t{1} << 60,
                                    int64_t{1} << 61,
                                    int64_t{1} << 62,
                                    INT64_MAX / 2 + 1,
                                    INT64_MAX,
                                    INT64_MIN,
                                    INT32_MIN,
                                    -2,
                                    0x7fc00000,
                                    0x7f800000,
                                    0x3f800000};
    constexpr size_t kCount = sizeof kNumbers / sizeof *kNumbers;
    const uint8_t choice = byte();
    if (choice < 128) return choice % 16 - 1;
    if (choice < 255) return kNumbers[choice % kCount];
    uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8 | byte();
    return static_cast<int64_t>(number);
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

}  // namespace wl::fuzz
