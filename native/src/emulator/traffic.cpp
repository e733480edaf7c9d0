#include "emulator/traffic.h"

#include <algorithm>

#include "emulator/site_index.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {

Traffic& TrafficTable::row(uint32_t site, const char* operation) {
  return rows_.try_emplace({site, operation}, Traffic{site_at(site), operation, 0, 0, 0, 0}).first->second;
}

void TrafficTable::add(const TrafficTable& other) {
  for (const auto& [key, traffic] : other.rows_) {
    Traffic& mine = row(key.first, key.second);
    mine.requests += traffic.requests;
    mine.bank_conflicts += traffic.bank_conflicts;
    mine.sectors += traffic.sectors;
    mine.ideal_sectors += traffic.ideal_sectors;
  }
}

std::vector<Traffic> TrafficTable::list() const {
  std::vector<Traffic> all;
  for (const auto& [key, traffic] : rows_) all.push_back(traffic);
  return all;
}

uint32_t bank_conflicts(const uint32_t* addresses, uint32_t lanes, uint32_t bytes) {
  constexpr uint32_t kBanks = 32, kWordBytes = 4;
  const uint32_t words = std::max(bytes / kWordBytes, 1u), group = 32 / words;
  uint32_t conflicts = 0;
  for (uint32_t first = 0; first < 32; first += group) {
    uint32_t occupied = 0, word_of[kBanks];
    std::vector<uint32_t> others;  // words whose bank another word has taken
    for (uint32_t lane = first; lane < first + group; ++lane) {
      if (!(lanes >> lane & 1)) continue;
      for (uint32_t i = 0; i < words; ++i) {
        const uint32_t word = addresses[lane] / kWordBytes + i, bank = word % kBanks;
        if (!(occupied >> bank & 1)) {
          occupied |= 1u << bank;
          word_of[bank] = word;
        } else if (word_of[bank] != word) {
          others.push_back(word);
        }
      }
    }
    std::sort(others.begin(), others.end());
    others.erase(std::unique(others.begin(), others.end()), others.end());
    uint32_t more[kBanks] = {}, most = 0;
    for (const uint32_t word : others) most = std::max(most, ++more[word % kBanks]);
    conflicts += most;
  }
  return conflicts;
}

Sectors count_sectors(const uintptr_t* addresses, uint32_t lanes, uint32_t bytes) {
  constexpr uintptr_t kSectorBytes = 32;
  uintptr_t sorted[32];
  int count = 0;
  for (; lanes != 0; lanes &= lanes - 1) sorted[count++] = addresses[__builtin_ctz(lanes)];
  std::sort(sorted, sorted + count);
  uint32_t distinct = 0, touched = 0;
  for (int i = 0; i < count; ++i) {
    distinct += i == 0 || sorted[i] != sorted[i - 1];
    touched += i == 0 || sorted[i] / kSectorBytes != sorted[i - 1] / kSectorBytes;
  }
  return {touched, static_cast<uint32_t>((distinct * bytes + kSectorBytes - 1) / kSectorBytes)};
}

void TrafficMeter::count(TrafficTable& table, const Place& place, const Request& request) {
  Traffic& row = table.row(place.site, place.operation);
  ++row.requests;
  row.bank_conflicts += bank_conflicts(request.shared, request.shared_lanes, place.bytes);
  const Sectors sectors = count_sectors(request.global, request.global_lanes, place.bytes);
  row.sectors += sectors.touched;
  row.ideal_sectors += sectors.ideal;
}

void TrafficMeter::record(TrafficTable& table, uint32_t warp, uint32_t lane, uint32_t alive,
                          const Access& access) {
  std::vector<Place>& places = warps_[warp];
  auto place = std::find_if(places.begin(), places.end(), [&](const Place& other) {
    return other.site == access.site && other.operation == access.operation && other.bytes == access.bytes;
  });
  if (place == places.end()) {
    place = places.insert(places.end(), Place{access.site, access.operation, access.bytes, {}, 0, {}});
  }
  const size_t index = place->next[lane]++ - place->first;
  if (index >= place->requests.size()) place->requests.resize(index + 1);
  Request& request = place->requests[index];
  request.seen |= 1u << lane;
  if (access.shared) {
    request.shared_lanes |= 1u << lane;
    request.shared[lane] = access.shared_address;
  }
  if (access.global) {
    request.global_lanes |= 1u << lane;
    request.global[lane] = access.global_address;
  }
  if (index == 0 && (request.seen & alive) == alive) {
    count(table, *place, request);
    place->requests.erase(place->requests.begin());
    ++place->first;
  }
}

void TrafficMeter::converge(TrafficTable& table, uint32_t warp) {
  for (Place& place : warps_[warp]) {
    for (const Request& request : place.requests) count(table, place, request);
    place.requests.clear();
    place.first = 0;
    for (uint32_t& next : place.next) next = 0;
  }
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
