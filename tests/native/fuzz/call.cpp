#include "fuzz/call.h"

#include <algorithm>
#include <cstring>

namespace wl::fuzz {
namespace {

constexpr uint64_t kScratchLimit = uint64_t{1} << 28;

uint32_t scrambled(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

template <class T>
void store(void* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

template <class T>
T load(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// A float between -2 and 2 of a type, or random bits.
void store_float(void* to, int32_t dtype, uint32_t random, bool wild) {
  if (dtype != WL_DTYPE_FLOAT16 && dtype != WL_DTYPE_BFLOAT16) {
    if (wild) return store(to, random);
    return store(to, static_cast<float>(static_cast<int32_t>(random)) * 0x1p-30f);
  }
  if (wild) return store(to, static_cast<uint16_t>(random));
  // Sign, an exponent around that of 1, and a few bits of mantissa.
  const uint32_t one = dtype == WL_DTYPE_FLOAT16 ? 0x3800 : 0x3f00;
  store(to, static_cast<uint16_t>((random & 0x8000) | (one + (random & 0x7f))));
}

}  // namespace

Call::Call(size_t params_size, std::vector<Slot> slots, Input& from)
    : input(from), slots_(std::move(slots)), params_(params_size), params_size_(params_size) {
  constexpr int32_t kTypes[] = {WL_DTYPE_FLOAT32, WL_DTYPE_FLOAT16, WL_DTYPE_BFLOAT16};
  ints_.resize(slots_.size());
  misaligned_.resize(slots_.size());
  null_.resize(slots_.size());
  store(params_.data(), static_cast<uint32_t>(params_size));
  dtype = kTypes[input.below(3)];
  launch_.struct_size = sizeof launch_;
  const uint8_t choice = input.byte();
  has_launch_ = (choice & 1) != 0;
  if ((choice & 2) != 0) launch_.flags = WL_FLAG_BATCH_INVARIANT;
  wild_ = choice >= 224;
}

void Call::set(size_t slot, int32_t type, std::initializer_list<int64_t> shape) {
  wl_tensor& t = tensor(slot);
  t.dtype = type;
  t.rank = static_cast<int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), t.shape);
  constexpr int64_t kGaps[] = {0, 0, 0, 0, 1, 5, 64, int64_t{1} << 31};
  const int64_t gap = t.rank > 1 ? kGaps[input.below(8)] : 0;
  __int128 stride = 1;
  for (int axis = t.rank - 1; axis >= 0; --axis) {
    t.strides[axis] = static_cast<int64_t>(stride);
    stride *= std::max<int64_t>(t.shape[axis], 1);
    if (axis == t.rank - 1) stride += gap;
    if (stride >> 62 != 0) stride = 1;  // only beside an extent of zero
  }
}

void Call::set_ints(size_t slot, std::vector<int32_t> values) {
  wl_tensor& t = tensor(slot);
  t.dtype = WL_DTYPE_INT32;
  t.rank = 1;
  t.shape[0] = static_cast<int64_t>(values.size());
  t.strides[0] = 1;
  ints_[slot] = std::move(values);
}

int64_t Call::set_offsets(size_t slot, int64_t total) {
  const auto rows = static_cast<int32_t>(std::min<int64_t>(total, INT32_MAX));
  const int64_t sequences = input.below(4);
  std::vector<int32_t> offsets{0};
  for (int64_t i = 0; i < sequences; ++i) {
    const int32_t left = rows - offsets.back();
    offsets.push_back(i + 1 == sequences ? rows : offsets.back() + input.byte() % (std::min(left, 254) + 1));
  }
  set_ints(slot, std::move(offsets));
  return sequences;
}

void Call::spoil_word(unsigned char* bytes, size_t size) {
  const size_t word = input.below(size / 4);
  const bool two = (input.byte() & 1) != 0 && word % 2 == 0 && word + 1 < size / 4;
  const int64_t value = input.value();
  if (two)
    store(bytes + 4 * word, value);
  else
    store(bytes + 4 * word, static_cast<int32_t>(value));
}

void Call::spoil_slot(size_t slot) {
  wl_tensor& t = tensor(slot);
  const auto axis = static_cast<size_t>(t.rank > 0 && t.rank <= WL_MAX_RANK ? input.below(t.rank) : 0);
  switch (input.below(8)) {
    case 0:
      t.dtype = static_cast<int32_t>(input.value());
      break;
    case 1:
      t.rank = static_cast<int32_t>(input.value());
      break;
    case 2:
      t.shape[axis] = input.value();
      break;
    case 3:
      t.strides[axis] = input.value();
      break;
    case 4:
      t.reserved[input.below(2)] = static_cast<uint64_t>(input.value());
      break;
    case 5:
      null_[slot] = true;
      break;
    case 6:
      misaligned_[slot] = input.below(8);
      break;
    default: {
      std::vector<int32_t>& ints = ints_[slot];
      if (ints.empty()) ints.push_back(0);
      int32_t& place = ints[input.byte() % ints.size()];
      place = static_cast<int32_t>(input.value());
    }
  }
}

void Call::spoil() {
  while (!input.empty()) {
    const size_t choice = input.below(slots_.size() + 3);
    if (choice < slots_.size()) {
      spoil_slot(choice);
    } else if (choice == slots_.size()) {
      spoil_word(params_.data(), params_size_);
    } else if (choice == slots_.size() + 1) {
      spoil_word(reinterpret_cast<unsigned char*>(&launch_), sizeof launch_);
    } else if (!blocks_.empty()) {
      std::vector<unsigned char>& contents = blocks_[input.byte() % blocks_.size()].contents;
      if (!contents.empty()) spoil_word(contents.data(), contents.size());
    }
  }
}

void Call::fill(size_t slot, Memory& memory, bool is_view) {
  if (!is_view) return;
  const wl_tensor& t = tensor(slot);
  auto* bytes = static_cast<unsigned char*>(memory.data());
  uint32_t i = 0;
  for (const int64_t offset : element_offsets(t)) {
    const std::vector<int32_t>& ints = ints_[slot];
    if (t.dtype == WL_DTYPE_INT32 && !ints.empty())
      store(bytes + offset, ints[i % ints.size()]);
    else
      store_float(bytes + offset, t.dtype, scrambled(i + 1000 * static_cast<uint32_t>(slot) + 1), wild_);
    ++i;
  }
}

bool Call::place_slot(size_t slot) {
  const size_t offset = slots_[slot].offset;
  if (offset + sizeof(wl_tensor) > params_.size()) {
    // What lies past the caller's struct reads as zero.
    memory_.emplace_back(View::kEmpty, 0, 0);
    if (offset + sizeof(void*) <= params_.size()) store<void*>(params_.data() + offset, nullptr);
    return true;
  }
  wl_tensor& t = tensor(slot);
  int64_t bytes = 0;
  const View view = view_of(t, &bytes);
  if (view == View::kTooLarge) return false;
  Memory& memory = memory_.emplace_back(view, bytes, misaligned_[slot]);
  fill(slot, memory, view == View::kSmall || view == View::kSparse);
  memory.freeze();
  t.data = null_[slot] ? nullptr : memory.data();
  return true;
}

bool Call::place_block(const Block& block) {
  if (std::max(block.address_offset, block.count_offset) + 8 > params_.size()) {
    block_memory_.emplace_back(View::kEmpty, 0, 0);
    if (block.address_offset + 8 <= params_.size())
      store<void*>(params_.data() + block.address_offset, nullptr);
    return true;
  }
  const auto count = load<uint64_t>(params_.data() + block.count_offset);
  if (count > (1 << 18) / block.unit) return false;
  const size_t bytes = count * block.unit;
  // What the fuzzer wrote into the address says how it lies.
  const auto hint = load<uint64_t>(params_.data() + block.address_offset);
  Memory& memory =
      block_memory_.emplace_back(View::kSmall, static_cast<int64_t>(bytes), hint == 0 ? 0 : hint % 64);
  std::memset(memory.data(), 0, bytes);
  std::copy_n(block.contents.begin(), std::min(bytes, block.contents.size()),
              static_cast<unsigned char*>(memory.data()));
  memory.freeze();
  store(params_.data() + block.address_offset, hint == 1 ? nullptr : memory.data());
  return true;
}

bool Call::place() {
  // The struct is exactly as large as it says, as far as a library may believe that.
  const auto size = load<uint32_t>(params_.data());
  params_.resize(fixed_size || size > 65536 ? params_size_ : std::max(size, 4u));
  params_.shrink_to_fit();
  memory_.reserve(slots_.size());
  for (size_t slot = 0; slot < slots_.size(); ++slot) {
    if (!place_slot(slot)) return false;
  }
  return std::all_of(blocks_.begin(), blocks_.end(), [&](const Block& block) { return place_block(block); });
}

std::string Call::changes(wl_status status, bool keeps) const {
  for (size_t slot = 0; slot < slots_.size(); ++slot) {
    const std::string name = slots_[slot].name;
    const Memory& memory = memory_[slot];
    if (!slots_[slot].output || (status != WL_STATUS_OK && keeps)) {
      if (!memory.unchanged()) return name + " was changed";
    } else if (slots_[slot].offset + sizeof(wl_tensor) <= params_.size()) {
      wl_tensor t;
      std::memcpy(&t, params_.data() + slots_[slot].offset, sizeof t);
      int64_t bytes = 0;
      const View view = view_of(t, &bytes);
      if (view == View::kSmall ? memory.changed_outside(t) : !memory.unchanged())
        return "bytes outside " + name + " were changed";
    }
  }
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Memory& memory = block_memory_[i];
    if (!(blocks_[i].output ? memory.margins_intact() : memory.unchanged()))
      return "bytes at an address were changed";
  }
  return "";
}

std::string Call::check(Run run, Run ask, bool keeps) {
  spoil();
  if (!place()) return "";
  const wl_launch* at = has_launch_ ? &launch_ : nullptr;
  const wl_status expected = ask == nullptr ? WL_STATUS_OK : ask(params_.data(), at);
  const wl_status status = run(params_.data(), at);
  const std::string error = status == WL_STATUS_OK ? "" : wl_last_error();
  if (ask != nullptr && status != expected)
    return "status " + std::to_string(expected) + " was announced, " + std::to_string(status) +
           " came: " + error;
  // Whatever the numbers say, the memory behind them is small.
  if (status < WL_STATUS_OK || status > WL_STATUS_UNSUPPORTED) {
    const bool device = status == WL_STATUS_NO_DEVICE && has_launch_;
    if (!device) return "status " + std::to_string(status) + ": " + error;
  }
  if (status != WL_STATUS_OK && error.compare(0, 3, "wl_") != 0) return "no error text: " + error;
  if (wl_scratch_bytes() > kScratchLimit)
    return std::to_string(wl_scratch_bytes()) + " bytes of scratch memory";
  return changes(status, keeps);
}

}  // namespace wl::fuzz
