#include "emulator/collective.h"

#include <cstdio>

#include "emulator/report.h"
#include "emulator/scheduler.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

std::string hexadecimal(uint32_t mask) {
  char text[11];
  std::snprintf(text, sizeof text, "0x%08x", mask);
  return text;
}

uint32_t lanes_of(const Block& block, uint32_t warp) {
  const uint32_t threads = block.thread_count - warp * 32;
  return threads >= 32 ? ~0u : (1u << threads) - 1;
}

bool finish(Block& block, Warp& warp, Rendezvous& open, uint32_t running) {
  block.gang->idle_polls = 0;
  if constexpr (kChecked) {
    // All lanes are here.
    if ((warp.alive & ~open.arrived) == 0) {
      block.checks->traffic.converge(block.gang->traffic, static_cast<uint32_t>(&warp - block.warps.data()));
    }
  }
  const bool go_on = open.complete(block, warp, open.arguments, open.arrived);
  if (go_on) {
    const uint32_t first = static_cast<uint32_t>(&warp - block.warps.data()) * 32;
    for (uint32_t lanes = open.arrived & ~running; lanes != 0; lanes &= lanes - 1) {
      make_ready(block.threads[first + static_cast<uint32_t>(__builtin_ctz(lanes))]);
    }
  }
  if (&open != &warp.rendezvous[--warp.open]) open = warp.rendezvous[warp.open];
  return go_on;
}

}  // namespace

void rendezvous(const char* operation, Complete complete, uint32_t mask, void* argument, Site site,
                uint32_t number) {
  Thread& thread = self();
  Block& block = *thread.block;
  Warp& warp = block.warps[thread.warp];
  const uint32_t lane = 1u << thread.lane;
  if (!(mask & lane)) {
    fail("divergence", std::string(operation) + ": the lane is not in its own mask " + hexadecimal(mask),
         site);
  }
  Rendezvous* open = nullptr;
  for (uint32_t i = 0; i < warp.open; ++i) {
    Rendezvous& other = warp.rendezvous[i];
    if (!(other.mask & mask)) continue;
    if (other.mask != mask || other.operation != operation || !(other.site == site)) {
      fail("divergence",
           std::string(operation) + " of lanes " + hexadecimal(mask) + " while lanes " +
               hexadecimal(other.arrived) + " wait in " + other.operation + " of lanes " +
               hexadecimal(other.mask) + " at " + describe(other.site),
           site);
    }
    open = &other;
  }
  if (open == nullptr) {
    open = &warp.rendezvous[warp.open++];
    open->operation = operation;
    open->site = site;
    open->complete = complete;
    open->mask = mask;
    open->arrived = 0;
  }
  open->arguments[thread.lane] = argument;
  open->arrived |= lane;
  if ((mask & warp.alive & ~open->arrived) == 0 && finish(block, warp, *open, lane)) return;
  block_thread({operation, site, number});
}

void rendezvous_aligned(const char* operation, Complete complete, void* argument, Site site) {
  const Thread& thread = self();
  const uint32_t all = lanes_of(*thread.block, thread.warp);
  const uint32_t alive = thread.block->warps[thread.warp].alive;
  if (alive != ~0u) {
    fail("divergence",
         std::string(operation) + " needs all 32 lanes of the warp, " +
             (alive == all ? "the block ends within it"
                           : "lanes " + hexadecimal(all & ~alive) + " have exited"),
         site);
  }
  rendezvous(operation, complete, ~0u, argument, site);
}

void collectives_after_exit(Block& block, Warp& warp) {
  for (uint32_t i = warp.open; i-- > 0;) {
    Rendezvous& open = warp.rendezvous[i];
    if ((open.mask & warp.alive & ~open.arrived) == 0) finish(block, warp, open, 0);
  }
}

void bar_warp_sync(uint32_t mask, Site site) {
  constexpr const char* kOperation = "bar.warp.sync";
  if (at_site(gang(), site, kOperation, false) == MutationKind::kSkip) return;
  // It orders the memory of its lanes; the other collectives of a warp do not.
  const auto complete = [](Block& block, Warp& warp, void* const*, uint32_t lanes) {
    if constexpr (kChecked) {
      const uint32_t first = static_cast<uint32_t>(&warp - block.warps.data()) * 32;
      Clock clock;
      Causality causality;
      for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
        block.checks->clocks.release(first + static_cast<uint32_t>(__builtin_ctz(rest)), clock, causality);
      }
      for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
        block.checks->clocks.acquire(first + static_cast<uint32_t>(__builtin_ctz(rest)), clock, causality);
      }
    }
    return true;
  };
  rendezvous(kOperation, complete, mask, nullptr, site);
}

namespace {

struct ShuffleArgument {
  uint32_t value, b, c, result;
};

// As the PTX manual computes the source lane of shfl.sync.
template <Shuffle kMode>
bool shuffle(Block&, Warp&, void* const* arguments, uint32_t lanes) {
  for (uint32_t lane = 0; lane < 32; ++lane) {
    if (!(lanes >> lane & 1)) continue;
    auto& argument = *static_cast<ShuffleArgument*>(arguments[lane]);
    const int b = static_cast<int>(argument.b & 31), clamp = static_cast<int>(argument.c & 31);
    const int segment = static_cast<int>(argument.c >> 8 & 31), at = static_cast<int>(lane);
    const int most = (at & segment) | (clamp & ~segment), least = at & segment;
    int from = at;
    bool valid = true;
    if constexpr (kMode == Shuffle::kUp) {
      from = at - b;
      valid = from >= most;
    } else if constexpr (kMode == Shuffle::kDown) {
      from = at + b;
      valid = from <= most;
    } else if constexpr (kMode == Shuffle::kButterfly) {
      from = at ^ b;
      valid = from <= most;
    } else {
      from = least | (b & ~segment);
      valid = from <= most;
    }
    if (!valid) from = at;
    // A lane that takes no part has no defined value to give.
    constexpr uint32_t kUndefined = 0xffffffffu;
    argument.result =
        lanes >> from & 1 ? static_cast<const ShuffleArgument*>(arguments[from])->value : kUndefined;
  }
  return true;
}

struct VoteArgument {
  bool predicate;
  uint32_t result;
};

template <Vote kMode>
bool vote(Block&, Warp&, void* const* arguments, uint32_t lanes) {
  uint32_t ballot = 0;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    if (lanes >> lane & 1 && static_cast<const VoteArgument*>(arguments[lane])->predicate)
      ballot |= 1u << lane;
  }
  uint32_t result = ballot;
  if (kMode == Vote::kAny) result = ballot != 0;
  if (kMode == Vote::kAll) result = ballot == lanes;
  for (uint32_t lane = 0; lane < 32; ++lane) {
    if (lanes >> lane & 1) static_cast<VoteArgument*>(arguments[lane])->result = result;
  }
  return true;
}

}  // namespace

uint32_t shfl_sync(Shuffle mode, uint32_t mask, uint32_t value, uint32_t b, uint32_t c, Site site) {
  ShuffleArgument argument{value, b, c, 0};
  switch (mode) {
    case Shuffle::kIndex:
      rendezvous("shfl.sync.idx", shuffle<Shuffle::kIndex>, mask, &argument, site);
      break;
    case Shuffle::kUp:
      rendezvous("shfl.sync.up", shuffle<Shuffle::kUp>, mask, &argument, site);
      break;
    case Shuffle::kDown:
      rendezvous("shfl.sync.down", shuffle<Shuffle::kDown>, mask, &argument, site);
      break;
    case Shuffle::kButterfly:
      rendezvous("shfl.sync.bfly", shuffle<Shuffle::kButterfly>, mask, &argument, site);
      break;
  }
  return argument.result;
}

uint32_t vote_sync(Vote mode, uint32_t mask, bool predicate, Site site) {
  VoteArgument argument{predicate, 0};
  switch (mode) {
    case Vote::kBallot:
      rendezvous("vote.sync.ballot", vote<Vote::kBallot>, mask, &argument, site);
      break;
    case Vote::kAny:
      rendezvous("vote.sync.any", vote<Vote::kAny>, mask, &argument, site);
      break;
    case Vote::kAll:
      rendezvous("vote.sync.all", vote<Vote::kAll>, mask, &argument, site);
      break;
  }
  return argument.result;
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
