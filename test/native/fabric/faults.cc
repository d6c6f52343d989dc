#include <cerrno>

#include "pair.h"
#include "scenarios.h"

using namespace pair;

namespace {

constexpr double kSeconds = 30;

void Converse(const Channel& channel, const std::string& provider, const xfer::fabric::Faults& faults, const std::string& expected) {
  EndpointOptions options = Options(provider);
  options.faults = faults;
  auto endpoint = Open(options);
  Check(endpoint->Connect(Exchange(channel, Describe(*endpoint, options))), "connecting");
  for (uint64_t i = 0; i < 4; i++) endpoint->Send(i, nullptr, 0, {});
  const Deadline deadline(kSeconds);
  int received = 0;
  std::vector<Event> events;
  // The other side may break first, and say so.
  while ((received < 4 || endpoint->Unsent() > 0) && !endpoint->Broken() && !(expected.empty() && channel.HasWord())) {
    Check(!deadline.IsOver(), "an end in time");
    const size_t before = events.size();
    Turn(*endpoint, events);
    for (size_t i = before; i < events.size(); i++) received += events[i].kind == Event::Kind::kSmall ? 1 : 0;
  }
  if (expected.empty()) {
    Check(endpoint->Broken(), "no fault here");
  } else {
    Check(endpoint->Broken().error == EIO, "the error: " + endpoint->Broken().message);
    Check(endpoint->Broken().message.find(expected) != std::string::npos, "the words: " + endpoint->Broken().message);
    Check(events.back().kind == Event::Kind::kFailed, "the last event tells it");
    Check(!Turn(*endpoint, events), "nothing follows");
  }
  channel.Tell('d');
  channel.Hear('d');
}

void Both(const std::string& provider, const xfer::fabric::Faults& faults, const std::string& expected) {
  pair::Run([&](const Channel& channel) { Converse(channel, provider, {}, ""); },
            [&](const Channel& channel, pid_t) { Converse(channel, provider, faults, expected); });
}

void Refused(const std::string& provider) {
  for (uint64_t at = 1; at <= 3; at++) {
    EndpointOptions options = Options(provider);
    options.faults.registration = {at, ENOMEM};
    Failure failure;
    const auto endpoint = Endpoint::Open(options, failure);
    Check(!endpoint && failure.error == ENOMEM, "a refused registration");
    Check(failure.message.find("memlock") != std::string::npos, "what to do: " + failure.message);
  }
  EndpointOptions options = Options(provider);
  options.faults.registration = {4, ENOMEM};
  auto endpoint = Open(options);
  Failure failure;
  Check(endpoint->Region(4096, failure) == nullptr && failure.error == ENOMEM, "a refused region");
  failure = {};
  Check(endpoint->Region(4096, failure) != nullptr, "the next region");
}

void Impossible(const std::string& provider) {
  Failure failure;
  EndpointOptions options = Options("no-such-provider");
  Check(!Endpoint::Open(options, failure) && failure.error == ENODATA, "no such provider: " + failure.message);
  options = Options(provider);
  options.smallBytes = 10;
  Check(!Endpoint::Open(options, failure) && failure.error == EINVAL, "too small");
  options = Options(provider);
  options.smallCount = 1 << 15;
  Check(!Endpoint::Open(options, failure) && failure.error == EINVAL, "too many: " + failure.message);
  options = Options(provider);
  auto endpoint = Open(options);
  const Peer good = Describe(*endpoint, options);
  const auto refused = [&](const std::function<void(Peer&)>& change) {
    Peer peer = good;
    change(peer);
    return static_cast<bool>(endpoint->Connect(peer));
  };
  Check(refused([](Peer& peer) { peer.address.clear(); }), "no address");
  Check(refused([](Peer& peer) { peer.address.resize(300); }), "a long address");
  Check(refused([](Peer& peer) { peer.address.pop_back(); }), "a short address");
  Check(refused([](Peer& peer) { peer.address[0] ^= 0x55; }), "an address of another family");
  Check(refused([](Peer& peer) { peer.tag = UINT64_MAX; }), "a long tag");
  Check(refused([](Peer& peer) { peer.smallBytes = 0; }), "no small buffers");
  Check(refused([](Peer& peer) { peer.largeBytes = SIZE_MAX; }), "endless buffers");
  Check(refused([](Peer& peer) { peer.largeCount = UINT32_MAX; }), "endless credit");
  Check(!refused([](Peer&) {}), "itself");
}

}  // namespace

void scenarios::Faults(const std::string& provider) {
  // In processes of their own: libfabric is touched after a fork alone.
  pair::Run([&](const Channel&) { Refused(provider); }, [](const Channel&, pid_t) {});
  pair::Run([&](const Channel&) { Impossible(provider); }, [](const Channel&, pid_t) {});
  const auto each = [&](const xfer::fabric::Faults& fault, const std::string& words) {
    pair::Run([&](const Channel&) { Both(provider, fault, words); }, [](const Channel&, pid_t) {});
  };
  xfer::fabric::Faults faults;
  faults.send = {2, EIO};
  each(faults, "fi_tsend");
  faults = {};
  faults.completion = {3, EIO};
  each(faults, "sending");
  faults = {};
  faults.receive = {4, EIO};
  each(faults, "receiving");
  std::printf("{\"scenario\":\"faults\"}\n");
}
