#include <dirent.h>

#include <fstream>

#include "pair.h"
#include "scenarios.h"

using namespace pair;

namespace {

constexpr int kOpens = 100;
/** Before what is there is noted: libraries keep some things of their first uses. */
constexpr int kWarmUp = 40;
/** Each twentieth is connected, and a message goes each way. */
constexpr int kConnected = 20;
/** One of the buffers that an opening maps, leaked each time, would be 20 MB. A thousand are opened in fabric-process.test.ts. */
constexpr long kMostGrowthKib = 3000;

int Descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(directory) != nullptr) count++;
  closedir(directory);
  return count;
}

long ResidentKib() {
  std::ifstream file("/proc/self/statm");
  long total = 0;
  long resident = 0;
  file >> total >> resident;
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

void Converse(const Channel& channel, Endpoint& endpoint, const EndpointOptions& options) {
  Check(endpoint.Connect(Exchange(channel, Describe(endpoint, options))), "connecting");
  const uint8_t bytes[100] = {};
  endpoint.Send(1, nullptr, 0, {{bytes, sizeof bytes}});
  const Deadline deadline(30);
  bool isReceived = false;
  while (!isReceived || endpoint.Unsent() > 0) {
    Check(!deadline.IsOver(), "a message in time");
    std::vector<Event> events;
    Turn(endpoint, events);
    Check(endpoint.Broken(), "polling");
    for (const Event& event : events) isReceived = isReceived || event.kind == Event::Kind::kSmall;
  }
  channel.Tell('d');
  channel.Hear('d');
}

void OpenMany(const Channel& channel, const std::string& provider) {
  EndpointOptions options = Options(provider);
  options.largeBytes = 1 << 16;
  int descriptors = 0;
  long resident = 0;
  for (int i = 0; i < kOpens; i++) {
    if (i == kWarmUp) {
      descriptors = Descriptors();
      resident = ResidentKib();
    }
    auto endpoint = Open(options);
    if (i % kConnected == 0) Converse(channel, *endpoint, options);
  }
  std::printf("{\"opens\":%d,\"descriptors\":%d,\"growthKib\":%ld}\n", kOpens, Descriptors() - descriptors, ResidentKib() - resident);
  Check(Descriptors() == descriptors, "as many descriptors as before");
  Check(ResidentKib() - resident < kMostGrowthKib, "as much memory as before");
}

}  // namespace

void scenarios::Opens(const std::string& provider) {
  pair::Run([&](const Channel& channel) { OpenMany(channel, provider); }, [&](const Channel& channel, pid_t) { OpenMany(channel, provider); });
}
