#include "emulator/report.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>
#include <tuple>

#include "emulator/numerics.h"

namespace wl::emu {
inline namespace WL_EMULATOR_MODE {
namespace {

struct State {
  std::mutex mutex;
  Settings settings;
  std::vector<Finding> findings;
  std::set<std::tuple<std::string, const char*, int, const char*, int>> reported;
  SiteTable sites;
  TrafficTable traffic;
  uint64_t switches = 0, blocks = 0, mma = 0;
};
State& state() {
  static State instance;
  return instance;
}
// Copies that need no lock: settings do not change while a grid runs.
MutationKind mutation = MutationKind::kNone;
Site mutated_site;
const char* mutated_operation = nullptr;

}  // namespace

void configure(const Settings& settings) {
  const std::lock_guard lock(state().mutex);
  state().settings = settings;
  mutation = settings.mutation;
  mutated_site = settings.mutated;
  mutated_operation = settings.mutated_operation;
  numerics = {settings.numerics, settings.seed};
}

const Settings& settings() { return state().settings; }

std::string describe(Site site) {
  if (site.file == nullptr) return "unknown place";
  // The file's name with its folder.
  const std::string path = site.file;
  const size_t name = path.rfind('/');
  const size_t folder =
      name == std::string::npos || name == 0 ? std::string::npos : path.rfind('/', name - 1);
  return path.substr(folder == std::string::npos ? 0 : folder + 1) + ":" + std::to_string(site.line);
}

std::string describe(const Thread& thread) {
  const Dim3& at = thread.ctaid;
  return "block (" + std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z) +
         ") thread " + std::to_string(thread.index);
}

void add_finding(const char* kind, std::string text) {
  constexpr size_t kMost = 1000;
  const std::lock_guard lock(state().mutex);
  if (state().findings.size() < kMost) state().findings.push_back({kind, std::move(text)});
}

bool first_time(const char* kind, Site site, Site other) {
  const std::lock_guard lock(state().mutex);
  return state().reported.insert({kind, site.file, site.line, other.file, other.line}).second;
}

void add_counts(const Gang& gang) {
  const std::lock_guard lock(state().mutex);
  state().switches += gang.switches;
  state().blocks += gang.blocks.size();
  state().mma += gang.mma;
  state().sites.add(gang.sites);
  state().traffic.add(gang.traffic);
}

MutationKind at_site(Gang& gang, Site site, const char* operation, bool can_weaken) {
  gang.sites.count(site, operation, can_weaken);
  if (mutation == MutationKind::kNone || !(site == mutated_site)) return MutationKind::kNone;
  if (mutated_operation != nullptr && std::strcmp(operation, mutated_operation) != 0)
    return MutationKind::kNone;
  return mutation == MutationKind::kWeaken && !can_weaken ? MutationKind::kNone : mutation;
}

Report report() {
  const std::lock_guard lock(state().mutex);
  Report report;
  const auto by_place = [](const auto& a, const auto& b) {
    const int order = std::string_view(a.site.file).compare(b.site.file);
    if (order != 0) return order < 0;
    if (a.site.line != b.site.line) return a.site.line < b.site.line;
    return std::string_view(a.operation) < std::string_view(b.operation);
  };
  report.findings = state().findings;
  report.synchronisation = state().sites.list();
  std::sort(report.synchronisation.begin(), report.synchronisation.end(), by_place);
  report.traffic = state().traffic.list();
  std::sort(report.traffic.begin(), report.traffic.end(), by_place);
  report.switches = state().switches;
  report.blocks = state().blocks;
  report.mma = state().mma;
  return report;
}

size_t finding_count() {
  const std::lock_guard lock(state().mutex);
  return state().findings.size();
}

Finding finding(size_t index) {
  const std::lock_guard lock(state().mutex);
  return state().findings.at(index);
}

void clear_report() {
  const std::lock_guard lock(state().mutex);
  state().findings.clear();
  state().reported.clear();
  state().sites.clear();
  state().traffic.clear();
  state().switches = state().blocks = state().mma = 0;
}

}  // namespace WL_EMULATOR_MODE
}  // namespace wl::emu
