// The last accesses to memory, for the checked build. Memory is kept by lines of 16 bytes; a line is one cell as long
// as it is accessed whole, eight cells of two bytes otherwise. A cell holds the last write and the reads since then
// that are not ordered among themselves.
//
// `Access` is a record with present(), pending(), is_split(), is_list(), list() (an index), make_split(),
// make_list(index), set_list(index), strong(), make_weak() and clock. What is before what, and what to do about a race, is the caller's `Context`:
//   Access now; bool reads;
//   bool same_thread(const Access&), both_strong(const Access&);
//   bool before(const Access&), may_be_before(const Access&)    certain order; order that cannot be excluded
//   void see(const Access& write)                                 an ordered write is read
//   void race(const Access& earlier, bool earlier_writes), pending(const Access&), uninitialised();
//   Access summary(const std::vector<Access>& readers)           of more than kMost readers
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "emulator/mode.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

template <class Access, int kInlineReads, int kMost>
class Shadow {
 public:
  struct Cell {
    Access write;
    Access reads[kInlineReads];  // from the front; or one record of a list
  };
  static constexpr uint32_t kLineBytes = 16, kPartBytes = 2, kParts = kLineBytes / kPartBytes;

  void reset() {
    splits_.clear();
    free_splits_.clear();
    lists_.clear();
    free_lists_.clear();
  }

  // `bytes` from `offset` within the line.
  template <class Context>
  void access(Cell& line, uint32_t offset, uint32_t bytes, bool write, Context& context) {
    if (!line.write.is_split()) {
      if (bytes == kLineBytes) return touch(line, write, context);
      split(line);
    }
    for_parts(line, offset, bytes, [&](Cell& part) { touch(part, write, context); });
    if (write && bytes == kLineBytes) merge(line);
  }
  // Calls change(cell) for the cells of a range of the line.
  template <class Change>
  void for_each(Cell& line, uint32_t offset, uint32_t bytes, const Change& change) {
    if (!line.write.is_split()) {
      if (bytes == kLineBytes) return change(line);
      split(line);
    }
    for_parts(line, offset, bytes, change);
  }
  // Forgets all accesses to the range.
  void forget(Cell& line, uint32_t offset, uint32_t bytes) {
    for_each(line, offset, bytes, [this](Cell& part) {
      drop_reads(part);
      part = Cell{};
    });
    if (bytes == kLineBytes && line.write.is_split()) merge(line);
  }

 private:
  using Parts = std::array<Cell, kParts>;

  template <class Change>
  void for_parts(Cell& line, uint32_t offset, uint32_t bytes, const Change& change) {
    Parts& parts = splits_[line.reads[0].list()];
    for (uint32_t i = offset / kPartBytes; i <= (offset + bytes - 1) / kPartBytes; ++i) change(parts[i]);
  }
  void split(Cell& line) {
    uint32_t index;
    if (free_splits_.empty()) {
      index = static_cast<uint32_t>(splits_.size());
      splits_.emplace_back();
    } else {
      index = free_splits_.back();
      free_splits_.pop_back();
    }
    for (Cell& part : splits_[index]) {
      part = line;
      if (line.reads[0].is_list()) part.reads[0].make_list(new_list(lists_[line.reads[0].list()]));
    }
    drop_reads(line);
    line = Cell{};
    line.write.make_split();
    line.reads[0].set_list(index);
  }
  // All parts are the same write.
  void merge(Cell& line) {
    const uint32_t index = line.reads[0].list();
    line = splits_[index][0];
    free_splits_.push_back(index);
  }
  uint32_t new_list(std::vector<Access> readers) {
    if (free_lists_.empty()) {
      lists_.push_back(std::move(readers));
      return static_cast<uint32_t>(lists_.size() - 1);
    }
    const uint32_t index = free_lists_.back();
    free_lists_.pop_back();
    lists_[index] = std::move(readers);
    return index;
  }
  void drop_reads(Cell& cell) {
    if (cell.reads[0].is_list()) free_lists_.push_back(cell.reads[0].list());
    for (Access& read : cell.reads) read = Access{};
  }

  template <class Context>
  void touch(Cell& cell, bool write, Context& context) {
    const auto races = [&](const Access& old) {
      return !context.same_thread(old) && !context.both_strong(old) && !context.may_be_before(old);
    };
    if (!cell.write.present()) {
      if (context.reads) context.uninitialised();
    } else if (cell.write.pending()) {
      context.pending(cell.write);
    } else if (races(cell.write)) {
      context.race(cell.write, true);
    } else if (context.reads) {
      context.see(cell.write);
    }
    if (!write) return add_read(cell, context);
    if (cell.reads[0].is_list()) {
      for (const Access& read : lists_[cell.reads[0].list()]) {
        if (races(read)) context.race(read, false);
      }
    } else {
      for (const Access& read : cell.reads) {
        if (!read.present()) break;
        if (races(read)) context.race(read, false);
      }
    }
    drop_reads(cell);
    // A weak write stays visible under a strong one of the same moment.
    const bool hides_weak = context.now.strong() && cell.write.present() && !cell.write.strong() &&
                            context.same_thread(cell.write) && cell.write.clock == context.now.clock;
    cell.write = context.now;
    if (hides_weak) cell.write.make_weak();
  }

  template <class Context>
  void add_read(Cell& cell, Context& context) {
    // Whoever comes after the new read comes after what it replaces.
    const auto replaces = [&](const Access& old) { return context.same_thread(old) || context.before(old); };
    if (!cell.reads[0].is_list()) {
      int kept = 0;
      for (int i = 0; i < kInlineReads && cell.reads[i].present(); ++i) {
        if (!replaces(cell.reads[i])) cell.reads[kept++] = cell.reads[i];
      }
      if (kept < kInlineReads) {
        cell.reads[kept++] = context.now;
        for (; kept < kInlineReads; ++kept) cell.reads[kept] = Access{};
        return;
      }
      const uint32_t list = new_list(std::vector<Access>(cell.reads, cell.reads + kInlineReads));
      for (Access& read : cell.reads) read = Access{};
      cell.reads[0].make_list(list);
    }
    std::vector<Access>& readers = lists_[cell.reads[0].list()];
    size_t kept = 0;
    for (const Access& read : readers) {
      if (!replaces(read)) readers[kept++] = read;
    }
    readers.resize(kept);
    readers.push_back(context.now);
    if constexpr (kMost > 0) {
      if (readers.size() > kMost) {
        const Access summary = context.summary(readers);
        drop_reads(cell);
        cell.reads[0] = summary;
      }
    }
  }

  std::deque<Parts> splits_;
  std::vector<uint32_t> free_splits_;
  std::vector<std::vector<Access>> lists_;
  std::vector<uint32_t> free_lists_;
};

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
