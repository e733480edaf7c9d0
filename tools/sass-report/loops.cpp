// Blocks of straight code, the edges between them, and the natural loops: for an edge to a block that comes before its
// source on every way from the entry, all that reaches the source without passing that block. Addresses alone would not
// do: the compiler moves rarely taken parts of a loop behind the kernel's end.
#include "loops.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <map>
#include <set>

namespace wl::sass {
namespace {

using Block = size_t;

struct Graph {
  std::vector<size_t> begin;  // of each block, the index of its first instruction; one more at the end
  std::vector<std::set<Block>> before;
  std::vector<std::pair<Block, Block>> edges;
};

bool is(const Instruction& instruction, std::string_view opcode) {
  return instruction.opcode.starts_with(opcode) &&
         (instruction.opcode.size() == opcode.size() || instruction.opcode[opcode.size()] == '.');
}

bool ends_block(const Instruction& i) {
  for (std::string_view opcode : {"BRA", "BRX", "JMP", "JMX", "EXIT", "RET", "BSYNC"})
    if (is(i, opcode)) return true;
  return false;
}

// The address that a branch or BSSY names, which is its last operand; -1 if it names none.
int64_t target_of(const Instruction& i) {
  const size_t at = i.operands.rfind("0x");
  if (at == std::string::npos || (!is(i, "BRA") && !is(i, "JMP") && !is(i, "BSSY"))) return -1;
  return static_cast<int64_t>(std::stoull(i.operands.substr(at), nullptr, 16));
}

// The number of the convergence barrier in "B3, 0x2d0".
size_t barrier_of(const Instruction& i) {
  return i.operands.size() > 1 && i.operands[0] == 'B' && std::isdigit(i.operands[1])
             ? std::stoul(i.operands.substr(1)) % 16
             : 0;
}

class GraphBuilder {
 public:
  explicit GraphBuilder(const std::vector<Instruction>& code) : code_(code) {
    for (size_t i = 0; i < code.size(); ++i) index_[code[i].address] = i;
    std::set<size_t> begins = {0};
    for (size_t i = 0; i < code.size(); ++i) {
      if (const auto target = index_.find(target_of(code[i])); target != index_.end())
        begins.insert(target->second);
      if (ends_block(code[i])) begins.insert(i + 1);
    }
    begins.insert(code.size());
    graph_.begin.assign(begins.begin(), begins.end());
    graph_.before.resize(graph_.begin.size() - 1);
  }

  // Follows the code from its entry. `joins` holds where the threads that wait at each convergence barrier go on.
  Graph build() {
    struct Visit {
      Block block;
      std::array<int64_t, 16> joins;
    };
    std::vector<Visit> open(1);
    open[0].block = 0;
    open[0].joins.fill(-1);
    std::set<Block> seen = {0};
    while (!open.empty()) {
      Visit visit = open.back();
      open.pop_back();
      const size_t end = graph_.begin[visit.block + 1];
      for (size_t i = graph_.begin[visit.block]; i < end; ++i)
        if (is(code_[i], "BSSY")) visit.joins[barrier_of(code_[i])] = target_of(code_[i]);
      for (const Block next : successors(end - 1, visit.joins)) {
        graph_.edges.push_back({visit.block, next});
        graph_.before[next].insert(visit.block);
        if (seen.insert(next).second) open.push_back({next, visit.joins});
      }
    }
    return std::move(graph_);
  }

 private:
  Block block_of(size_t instruction) const {
    return static_cast<size_t>(std::upper_bound(graph_.begin.begin(), graph_.begin.end(), instruction) -
                               graph_.begin.begin()) -
           1;
  }

  std::vector<Block> successors(size_t last, const std::array<int64_t, 16>& joins) const {
    const Instruction& i = code_[last];
    bool jumps = false, falls = true;
    int64_t target = target_of(i);
    if (is(i, "BRA") || is(i, "JMP")) {
      jumps = true;
      falls = !i.predicate.empty() || i.operands.find(',') != std::string::npos;
      // Taken if the warp has (not) diverged before a shuffle or vote: the slow way is none that our kernels take.
      if (i.opcode.starts_with("BRA.CONV")) falls = false;
      if (i.opcode.starts_with("BRA.DIV")) jumps = false, falls = true;
    } else if (is(i, "BSYNC")) {
      target = joins[barrier_of(i)];
      jumps = target >= 0 && target != i.address;
      falls = !jumps || !i.predicate.empty();
    } else if (ends_block(i)) {
      falls = !i.predicate.empty();
    }
    std::vector<Block> result;
    if (const auto found = index_.find(target); jumps && found != index_.end())
      result.push_back(block_of(found->second));
    if (falls && last + 1 < code_.size()) result.push_back(block_of(last + 1));
    return result;
  }

  const std::vector<Instruction>& code_;
  std::map<int64_t, size_t> index_;
  Graph graph_;
};

// The blocks of each natural loop, by the block that it begins with.
std::map<Block, std::set<Block>> natural_loops(const Graph& graph) {
  std::map<Block, std::set<Block>> loops;
  for (const auto& [source, head] : graph.edges) {
    std::set<Block> body = {head};
    std::vector<Block> open;
    const auto add = [&](Block block) {
      if (body.insert(block).second) open.push_back(block);
    };
    add(source);
    while (!open.empty()) {
      const Block block = open.back();
      open.pop_back();
      for (const Block before : graph.before[block]) add(before);
    }
    // The entry can be inside only if there is a way to the source past the head.
    if (head == 0 || !body.contains(0)) loops[head].insert(body.begin(), body.end());
  }
  return loops;
}

int matrix_products(const std::vector<Instruction>& code) {
  return static_cast<int>(std::count_if(code.begin(), code.end(), is_matrix_product));
}

}  // namespace

std::vector<Instruction> main_loop(const Kernel& kernel) {
  if (kernel.code.empty()) return {};
  const Graph graph = GraphBuilder(kernel.code).build();
  struct Loop {
    std::set<Block> blocks;
    std::vector<Instruction> code;
  };
  std::vector<Loop> loops;
  for (auto& [head, blocks] : natural_loops(graph)) {
    Loop loop = {blocks, {}};
    for (const Block block : blocks)
      loop.code.insert(loop.code.end(), kernel.code.begin() + static_cast<ptrdiff_t>(graph.begin[block]),
                       kernel.code.begin() + static_cast<ptrdiff_t>(graph.begin[block + 1]));
    if (matrix_products(loop.code) > 0) loops.push_back(std::move(loop));
  }
  std::vector<Instruction> best;
  for (const Loop& loop : loops) {
    const bool innermost = std::none_of(loops.begin(), loops.end(), [&](const Loop& other) {
      return other.blocks.size() < loop.blocks.size() &&
             std::includes(loop.blocks.begin(), loop.blocks.end(), other.blocks.begin(), other.blocks.end());
    });
    const int products = matrix_products(loop.code), best_products = matrix_products(best);
    if (innermost &&
        (products > best_products || (products == best_products && loop.code.size() < best.size())))
      best = loop.code;
  }
  return best;
}

}  // namespace wl::sass
