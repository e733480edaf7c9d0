#include "cpu/attention/attention.h"

#include "core/failure.h"
#include "cpu/attention/schedule.h"

namespace wl::cpu {
namespace {

// [split][instruction set][type of q]
constexpr const char* kNames[2][3][3] = {
    {{"attention.tiles.avx2.float32", "attention.tiles.avx2.float16", "attention.tiles.avx2.bfloat16"},
     {"attention.tiles.avx512.float32", "attention.tiles.avx512.float16", "attention.tiles.avx512.bfloat16"},
     {"", "", "attention.tiles.avx512_bf16.bfloat16"}},
    {{"attention.split.avx2.float32", "attention.split.avx2.float16", "attention.split.avx2.bfloat16"},
     {"attention.split.avx512.float32", "attention.split.avx512.float16", "attention.split.avx512.bfloat16"},
     {"", "", "attention.split.avx512_bf16.bfloat16"}}};

const char* kernel_name(const Problem& p, bool split) {
  const Isa used = p.pairs ? Isa::kAvx512Bf16 : std::min(p.isa, Isa::kAvx512);
  return kNames[split][static_cast<int>(used)][p.q.dtype - WL_DTYPE_FLOAT32];
}

// Marks the sequences whose keys are split, and says whether any is left for the other kernel. Few rows: one tile a
// head, or fewer tiles in all than workers.
bool choose_kernels(const Problem& p, Sequence* sequences, int workers) {
  const AttentionKernel forced = forced_attention_kernel();
  int64_t tiles = 0, tiled = 0;
  for (int64_t b = 0; b < p.sequences; ++b) {
    const int64_t rows = p.rows(sequences[b]);
    sequences[b].split =
        forced == AttentionKernel::kSplit || (forced == AttentionKernel::kAuto && rows <= kTileRows);
    if (sequences[b].split) continue;
    ++tiled;
    tiles += std::min<int64_t>(workers, ceil_div(rows, kTileRows)) * p.k_heads;
  }
  if (tiled == 0 || forced == AttentionKernel::kTiles || tiles >= workers) return tiled > 0;
  for (int64_t b = 0; b < p.sequences; ++b) sequences[b].split = true;
  return false;
}

}  // namespace

void attention(const wl_attention_params& params, int64_t sequences) {
  const Problem problem = make_problem(params, sequences);
  // Heads of any width may be given where there is no row.
  if (sequences == 0 || problem.q_heads == 0 || params.q.shape[params.q.rank - 3] == 0) {
    set_last_kernel(kernel_name(problem, forced_attention_kernel() != AttentionKernel::kTiles));
    return;
  }
  const Arena arena;
  ScratchLayout layout;
  const uint64_t table = layout.part(sequences, sizeof(Sequence));
  uint64_t offsets[3];
  for (uint64_t& offset : offsets) offset = layout.part(sequences + 1, sizeof(int64_t));
  const Scratch scratch(layout.bytes());
  auto* list = scratch.at<Sequence>(table);
  for (int64_t b = 0; b < sequences; ++b) list[b] = sequence_at(params, b);
  const bool any_tiles = choose_kernels(problem, list, arena.size());
  bool any_split = false;
  for (int64_t b = 0; b < sequences; ++b) any_split |= list[b].split;

  const TileEngine engine(problem);
  const Work work{
      problem,
      engine,
      arena,
      list,
      {scratch.at<int64_t>(offsets[0]), scratch.at<int64_t>(offsets[1]), scratch.at<int64_t>(offsets[2])}};
  if (any_tiles) attention_tiles(work);
  if (any_split) attention_split(work);
  set_last_kernel(kernel_name(problem, !any_tiles));
}

}  // namespace wl::cpu
