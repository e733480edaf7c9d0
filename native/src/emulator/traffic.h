// Counts bank conflicts of shared memory and sectors of global memory (checked build). Lanes of a warp run one after
// the other here: the k-th access of each lane at a place since the warp last ran together is taken as one request.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "emulator/launch.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

// Totals by place and operation.
class TrafficTable {
 public:
  Traffic& row(uint32_t site, const char* operation);
  void add(const TrafficTable& other);
  std::vector<Traffic> list() const;
  void clear() { rows_.clear(); }

 private:
  std::map<std::pair<uint32_t, const char*>, Traffic> rows_;
};

// Passes over shared memory beyond the one that each group of lanes needs: 32 lanes of at most 4 bytes, 16 of 8, 8 of
// 16. `lanes` says which of the 32 addresses are there.
uint32_t bank_conflicts(const uint32_t* addresses, uint32_t lanes, uint32_t bytes);
struct Sectors {
  uint32_t touched, ideal;
};
Sectors count_sectors(const uintptr_t* addresses, uint32_t lanes, uint32_t bytes);

class TrafficMeter {
 public:
  void reset(uint32_t warps) { warps_.assign(warps, {}); }
  // One lane's access. `shared` and `global` say which addresses count; `alive`: lanes of the warp that may come.
  struct Access {
    uint32_t site;
    const char* operation;
    bool shared, global;
    uint32_t shared_address;
    uintptr_t global_address;
    uint32_t bytes;
  };
  void record(TrafficTable& table, uint32_t warp, uint32_t lane, uint32_t alive, const Access& access);
  // The warp's lanes are together: what is incomplete was a request of fewer lanes.
  void converge(TrafficTable& table, uint32_t warp);

 private:
  struct Request {
    uint32_t shared_lanes = 0, global_lanes = 0, seen = 0;
    uint32_t shared[32];
    uintptr_t global[32];
  };
  struct Place {
    uint32_t site;
    const char* operation;
    uint32_t bytes;
    uint32_t next[32] = {};  // each lane's next request
    uint32_t first = 0;      // number of requests[0]
    std::vector<Request> requests;
  };
  static void count(TrafficTable& table, const Place& place, const Request& request);
  std::vector<std::vector<Place>> warps_;
};

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
