// A device that is asked what it serves: memory for the tensors of one small call, and the table's cells.
#pragma once

#include <warpline/warpline.h>

#include <cstring>
#include <functional>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <vector>

namespace wl::support {

inline void require(wl_status status) {
  if (status != WL_STATUS_OK) throw std::runtime_error(wl_last_error());
}

class Backend {
 public:
  explicit Backend(int32_t kind) {
    launch.struct_size = sizeof launch;
    launch.device_kind = kind;
    require(wl_device_alloc(kBytes, &launch, &memory_));
    workspace_ = static_cast<unsigned char*>(memory_) + kSlots * kSlotBytes;
    reset();
  }
  ~Backend() { wl_device_free(memory_, &launch); }
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // Forgets all tensors and flags; memory is zero.
  void reset() {
    require(wl_fill(memory_, 0, kBytes, &launch));
    launch.workspace = workspace_;
    launch.workspace_bytes = kBytes - kSlots * kSlotBytes;
    launch.flags = 0;
    used_ = 0;
  }

  // Zeros.
  wl_tensor tensor(int32_t dtype, std::initializer_list<int64_t> shape) {
    wl_tensor t{};
    t.dtype = dtype;
    for (const int64_t extent : shape) t.shape[t.rank++] = extent;
    int64_t stride = 1;
    for (int axis = t.rank - 1; axis >= 0; stride *= t.shape[axis--]) t.strides[axis] = stride;
    if (used_ == kSlots || stride * 4 > kSlotBytes) throw std::runtime_error("a tensor has no room");
    t.data = static_cast<unsigned char*>(memory_) + used_++ * kSlotBytes;
    return t;
  }
  // Offsets [0, rows]: one sequence.
  wl_tensor offsets(int32_t rows) {
    const wl_tensor t = tensor(WL_DTYPE_INT32, {2});
    const int32_t values[2] = {0, rows};
    require(wl_copy(t.data, values, sizeof values, WL_COPY_TO_DEVICE, &launch));
    require(wl_stream_synchronize(&launch));
    return t;
  }

  wl_launch launch{};

 private:
  static constexpr int64_t kSlots = 16, kSlotBytes = 16384, kBytes = 1 << 20;
  void* memory_ = nullptr;
  void* workspace_ = nullptr;
  int64_t used_ = 0;
};

// What is asked: makes a call's tensors and returns the library's status.
using Question = std::function<wl_status(Backend&)>;

// "both", "cpu", "cuda", or "-" for neither.
class Answers {
 public:
  std::string cell(const Question& question) {
    const bool cpu = served(cpu_, question), cuda = served(cuda_, question);
    return cpu && cuda ? "both" : cpu ? "cpu" : cuda ? "cuda" : "-";
  }
  const std::string& last_refusal() const { return refusal_; }

 private:
  bool served(Backend& backend, const Question& question) {
    backend.reset();
    const wl_status status = question(backend);
    if (status == WL_STATUS_OK) {
      require(wl_stream_synchronize(&backend.launch));
      return true;
    }
    refusal_ = wl_last_error();
    if (status != WL_STATUS_UNSUPPORTED && status != WL_STATUS_INVALID_ARGUMENT)
      throw std::runtime_error(refusal_);
    return false;
  }

  Backend cpu_{WL_DEVICE_CPU}, cuda_{WL_DEVICE_CUDA};
  std::string refusal_;
};

// A table in Markdown; a row that nobody serves is left out where it may be, and else a mistake of this tool.
class Table {
 public:
  Table(std::string& text, Answers& answers, const std::string& first, std::vector<std::string> columns)
      : text_(text), answers_(answers), columns_(std::move(columns)) {
    text_ += "| " + first;
    for (const std::string& column : columns_) text_ += " | " + column;
    text_ += " |\n|---";
    for (size_t i = 0; i < columns_.size(); ++i) text_ += "|---";
    text_ += "|\n";
  }
  ~Table() { text_ += "\n"; }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // `question(column)` asks for one cell.
  template <class Ask>
  void row(const std::string& name, const Ask& question, bool may_be_empty = false) {
    std::string line = "| " + name;
    bool any = false;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string cell = answers_.cell([&](Backend& backend) { return question(backend, i); });
      any |= cell != "-";
      line += " | " + cell;
    }
    if (!any && !may_be_empty)
      throw std::runtime_error(name + " is served nowhere: " + answers_.last_refusal());
    if (any) text_ += line + " |\n";
  }

 private:
  std::string& text_;
  Answers& answers_;
  const std::vector<std::string> columns_;
};

struct Type {
  const char* name;
  int32_t dtype;
};
inline const std::vector<Type> kTypes = {
    {"float32", WL_DTYPE_FLOAT32}, {"float16", WL_DTYPE_FLOAT16}, {"bfloat16", WL_DTYPE_BFLOAT16}};
inline std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const Type& type : kTypes) names.push_back(type.name);
  return names;
}

template <class Params>
Params sized() {
  Params p{};
  p.struct_size = sizeof p;
  return p;
}

// Each appends its tables.
void attention_tables(std::string& text, Answers& answers);
void gemm_tables(std::string& text, Answers& answers);
void layer_tables(std::string& text, Answers& answers);

}  // namespace wl::support
