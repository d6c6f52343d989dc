#include "pair.h"
#include "scenarios.h"

using namespace pair;

namespace {

constexpr uint32_t kRounds = 6;
constexpr double kSeconds = 60;

struct Room {
  uint32_t small;
  uint32_t large;
};

/** Sends all that is granted of both sizes, and no more comes while the other side holds it. */
void Send(const Channel& channel, const std::string& provider) {
  const EndpointOptions options = Options(provider);
  auto endpoint = Open(options);
  const Peer peer = Exchange(channel, Describe(*endpoint, options));
  Check(endpoint->Connect(peer), "connecting");
  Failure failure;
  const auto region = endpoint->Region(options.largeBytes, failure);
  Check(failure, "a region");
  uint32_t small = 0;
  uint32_t large = 0;
  const Deadline deadline(kSeconds);
  std::vector<Event> events;
  for (uint32_t round = 0; round < kRounds; round++) {
    // Credit of the round before comes by itself, nothing of ours asks for it: what is not told is less than half.
    while (endpoint->SmallGranted() - small <= options.smallCount / 2 || endpoint->LargeGranted() - large <= options.largeCount / 2) {
      Check(!deadline.IsOver(), "credit in time");
      Turn(*endpoint, events);
      Check(endpoint->Broken(), "polling");
    }
    const Room room = {endpoint->SmallGranted() - small, endpoint->LargeGranted() - large};
    Check(room.small <= options.smallCount && room.large <= options.largeCount, "no more credit than buffers");
    channel.Write(&room, sizeof room);
    for (uint32_t i = 0; i < room.small; i++, small++) endpoint->Send(0, nullptr, 0, {{region.get(), 100}});
    for (uint32_t i = 0; i < room.large; i++, large++) endpoint->Send(0, nullptr, 0, {{region.get(), options.largeBytes - 16}});
    // Beyond what is granted: waits.
    endpoint->Send(0, nullptr, 0, {{region.get(), 100}});
    small++;
    while (endpoint->Unsent() > 1) {
      Check(!deadline.IsOver(), "sent in time");
      Turn(*endpoint, events);
      Check(endpoint->Broken(), "polling");
    }
    channel.Tell('s');
    while (endpoint->Unsent() > 0) {
      Check(!deadline.IsOver(), "the last in time");
      Turn(*endpoint, events);
      Check(endpoint->Broken(), "polling");
    }
  }
  channel.Tell('d');
  channel.Hear('d');
}

void Take(Endpoint& endpoint, std::vector<Event>& held) {
  std::vector<Event> events;
  Turn(endpoint, events);
  Check(endpoint.Broken(), "polling");
  for (const Event& event : events) {
    if (event.kind == Event::Kind::kSmall || event.kind == Event::Kind::kLarge) held.push_back(event);
  }
}

/** For a word of the other side, which may need us to go on: credit, and the ends of its large messages. */
void Await(const Channel& channel, Endpoint& endpoint, const Deadline& deadline, std::vector<Event>& held) {
  while (!channel.HasWord()) {
    Check(!deadline.IsOver(), "a word in time");
    Take(endpoint, held);
  }
}

void Receive(const Channel& channel, const std::string& provider) {
  const EndpointOptions options = Options(provider);
  auto endpoint = Open(options);
  const Peer peer = Exchange(channel, Describe(*endpoint, options));
  Check(endpoint->Connect(peer), "connecting");
  const Deadline deadline(kSeconds);
  for (uint32_t round = 0; round < kRounds; round++) {
    std::vector<Event> held;
    const auto gather = [&](size_t until) {
      while (held.size() < until) {
        Check(!deadline.IsOver(), "messages in time");
        Take(*endpoint, held);
      }
    };
    Await(channel, *endpoint, deadline, held);
    Room room;
    Check(channel.Read(&room, sizeof room), "what comes");
    gather(room.small + room.large);
    Await(channel, *endpoint, deadline, held);
    channel.Hear('s');
    // All that the other side could send is here, and held.
    for (int turn = 0; turn < 100; turn++) {
      std::vector<Event> events;
      Check(!endpoint->Poll(events) || events.empty(), "nothing beyond credit arrives");
    }
    Check(held.size() == room.small + room.large, "nothing beyond credit arrives");
    const auto stats = endpoint->Counters();
    Check(stats.smallPosted == options.smallCount - room.small + xfer::fabric::kCreditBuffers && stats.largePosted == options.largeCount - room.large,
          "what is held is not posted");
    for (const Event& event : held) endpoint->Release(event.kind == Event::Kind::kLarge, static_cast<uint32_t>(event.id));
    // Twice is once.
    endpoint->Release(false, static_cast<uint32_t>(held[0].id));
    endpoint->Release(true, 1000);
    held.clear();
    gather(1);
    endpoint->Release(false, static_cast<uint32_t>(held[0].id));
  }
  std::vector<Event> none;
  Await(channel, *endpoint, Deadline(kSeconds), none);
  channel.Hear('d');
  channel.Tell('d');
}

}  // namespace

void scenarios::Slow(const std::string& provider) {
  pair::Run([&](const Channel& channel) { Receive(channel, provider); }, [&](const Channel& channel, pid_t) { Send(channel, provider); });
  std::printf("{\"scenario\":\"slow\"}\n");
}
