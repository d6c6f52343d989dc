#include "pair.h"
#include "scenarios.h"

using namespace pair;

namespace {

constexpr double kSeconds = 30;
/** After it was killed: an error, or nothing any more. */
constexpr double kQuietSeconds = 2;

/** Sends and takes as fast as it goes; `go` decides, after each turn, whether to go on. */
void Pump(Endpoint& endpoint, const EndpointOptions& options, const std::function<bool(uint64_t received)>& go) {
  Failure failure;
  const auto region = endpoint.Region(options.largeBytes, failure);
  Check(failure, "a region");
  uint32_t small = 0;
  uint32_t large = 0;
  uint64_t received = 0;
  std::vector<Event> events;
  while (go(received)) {
    if (endpoint.SmallGranted() != small) {
      endpoint.Send(0, nullptr, 0, {{region.get(), 64}});
      small++;
    }
    if (endpoint.LargeGranted() != large) {
      endpoint.Send(0, nullptr, 0, {{region.get(), options.largeBytes - 16}});
      large++;
    }
    events.clear();
    Turn(endpoint, events);
    for (const Event& event : events) {
      if (event.kind != Event::Kind::kSmall && event.kind != Event::Kind::kLarge) continue;
      received++;
      endpoint.Release(event.kind == Event::Kind::kLarge, static_cast<uint32_t>(event.id));
    }
  }
}

}  // namespace

void scenarios::Killed(const std::string& provider) {
  std::string words;
  const EndpointOptions options = Options(provider);
  const auto victim = [&](const Channel& channel) {
    auto endpoint = Open(options);
    Check(endpoint->Connect(Exchange(channel, Describe(*endpoint, options))), "connecting");
    const Deadline deadline(kSeconds);
    Pump(*endpoint, options, [&](uint64_t) { return !deadline.IsOver(); });
  };
  pair::Run(
      victim,
      [&](const Channel& channel, pid_t pid) {
        auto endpoint = Open(options);
        Check(endpoint->Connect(Exchange(channel, Describe(*endpoint, options))), "connecting");
        const Deadline deadline(kSeconds);
        Pump(*endpoint, options, [&](uint64_t received) {
          Check(!deadline.IsOver(), "messages before the kill");
          Check(endpoint->Broken(), "before the kill");
          return received < 50;
        });
        kill(pid, SIGKILL);
        // Reaped later: until then it is a zombie, as a process killed elsewhere would be gone.
        const Deadline quiet(kQuietSeconds);
        Pump(*endpoint, options, [&](uint64_t) { return !quiet.IsOver() && !endpoint->Broken(); });
        words = endpoint->Broken().message;
        const Deadline closing(kQuietSeconds);
        endpoint.reset();
        Check(!closing.IsOver(), "closing in time");
      },
      true);
  std::printf("{\"scenario\":\"killed\",\"words\":\"%s\"}\n", words.c_str());
}
