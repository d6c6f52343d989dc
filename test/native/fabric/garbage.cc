#include <cerrno>
#include <random>

#include "../../../native/fabric-resources.h"
#include "../../../native/fabric-wire.h"
#include "pair.h"
#include "scenarios.h"

using namespace pair;
using xfer::fabric::Header;
using xfer::fabric::kCreditOnly;
using xfer::fabric::kHeaderBytes;
using xfer::fabric::kLargeTag;
using xfer::fabric::kSmallTag;
using xfer::fabric::kTagShift;

namespace {

constexpr double kSeconds = 30;
constexpr uint32_t kRandom = 40;

constexpr int kProviders = -1;

struct Raw {
  std::vector<uint8_t> bytes;
  bool isLarge = false;
};

struct Case {
  const char* name;
  std::vector<Raw> messages;
  /** 0: all of them are good. kProviders: what the provider says. */
  int error;
};

Raw Message(const Header& header, size_t bytes, bool isLarge = false) {
  Raw raw;
  raw.bytes.resize(std::max(bytes, kHeaderBytes));
  xfer::fabric::WriteHeader(raw.bytes.data(), header);
  raw.bytes.resize(bytes);
  raw.isLarge = isLarge;
  return raw;
}

/** As one who may have 8 small and 2 large messages of ours. */
constexpr uint32_t kSmall = 8;
constexpr uint32_t kLarge = 2;

Header Good(uint32_t sequence) { return {sequence, kSmall, kLarge, 0, 0}; }

std::vector<Case> Cases(const EndpointOptions& options) {
  const bool isShm = options.provider == "shm";
  std::vector<Case> cases;
  cases.push_back({"good", {Message(Good(0), 100), Message(Good(2), 16), Message(Good(1), 50'000, true), Message({3, kSmall, kLarge, kCreditOnly, 0}, 16)}, 0});
  cases.push_back({"empty", {Message(Good(0), 0)}, EPROTO});
  cases.push_back({"short", {Message(Good(0), 15)}, EPROTO});
  cases.push_back({"head longer than the message", {Message({0, kSmall, kLarge, 0, 10}, 20)}, EPROTO});
  cases.push_back({"head of 65", {Message({0, kSmall, kLarge, 0, 65}, 200)}, EPROTO});
  cases.push_back({"flags", {Message({0, kSmall, kLarge, 2, 0}, 20)}, EPROTO});
  cases.push_back({"flags beside credit", {Message({0, kSmall, kLarge, 3, 0}, 16)}, EPROTO});
  cases.push_back({"credit with content", {Message({0, kSmall, kLarge, kCreditOnly, 0}, 17)}, EPROTO});
  cases.push_back({"credit in a large buffer", {Message({0, kSmall, kLarge, kCreditOnly, 0}, 16, true)}, EPROTO});
  cases.push_back({"a number far ahead", {Message(Good(1000), 20)}, EPROTO});
  cases.push_back({"a number of before", {Message(Good(0), 20), Message(Good(0), 20)}, EPROTO});
  cases.push_back({"a number twice", {Message(Good(1), 20), Message(Good(1), 20)}, EPROTO});
  cases.push_back({"credit taken back", {Message({0, kSmall - 1, kLarge, 0, 0}, 20)}, EPROTO});
  cases.push_back({"large credit taken back", {Message({0, kSmall, 0, 0, 0}, 20)}, EPROTO});
  cases.push_back({"credit from nothing", {Message({0, kSmall + 1, kLarge, 0, 0}, 20)}, EPROTO});
  cases.push_back({"endless credit", {Message({0, kSmall, UINT32_MAX, 0, 0}, 20)}, EPROTO});
  // libfabric 1.17 never returns from fi_cq_read there: its loop over process_vm_readv(2) waits for bytes that have no place.
  if (!isShm) cases.push_back({"too long", {Message(Good(0), options.smallBytes + 1)}, kProviders});
  cases.push_back({"without credit", {}, EPROTO});
  for (uint32_t i = 0; i <= options.smallCount; i++) cases.back().messages.push_back(Message(Good(i), 20));
  std::mt19937 random(7);
  for (uint32_t i = 0; i < kRandom; i++) {
    Raw raw;
    raw.bytes.resize(random() % 4000);
    for (uint8_t& byte : raw.bytes) byte = static_cast<uint8_t>(random());
    // Near to what is good, or it is never further than its number.
    for (size_t at = 0; at < std::min<size_t>(raw.bytes.size(), 3 + 4 * (i % 3)); at++) raw.bytes[at] = 0;
    raw.isLarge = random() % 2 == 0;
    cases.push_back({"random", {raw}, EPROTO});
  }
  return cases;
}

void Suffer(const Channel& channel, const std::string& provider) {
  const EndpointOptions options = Options(provider);
  for (const Case& one : Cases(options)) {
    auto endpoint = Open(options);
    Check(endpoint->Connect(Exchange(channel, Describe(*endpoint, options))), "connecting");
    const Deadline deadline(kSeconds);
    size_t received = 0;
    const size_t expected = one.error == 0 ? 3 : SIZE_MAX;
    std::vector<Event> events;
    while (!endpoint->Broken() && received < expected) {
      Check(!deadline.IsOver(), std::string("in time: ") + one.name);
      events.clear();
      Turn(*endpoint, events);
      for (const Event& event : events) received += event.kind == Event::Kind::kSmall || event.kind == Event::Kind::kLarge ? 1 : 0;
    }
    const Failure& broken = endpoint->Broken();
    const bool isAsExpected = one.error == kProviders ? broken.error != 0 : broken.error == one.error;
    Check(isAsExpected, std::string(one.name) + ": " + std::to_string(broken.error) + " " + broken.message);
    channel.Tell('n');
  }
}

void Throw(const Channel& channel, const std::string& provider) {
  const EndpointOptions options = Options(provider);
  size_t cases = 0;
  for (const Case& one : Cases(options)) {
    xfer::fabric::Resources raw;
    Failure failure;
    Check(raw.Open(options, 64, failure), failure.message);
    Peer mine;
    mine.address.resize(256);
    size_t bytes = mine.address.size();
    Check(fi_getname(&raw.endpoint->fid, mine.address.data(), &bytes) == 0, "fi_getname");
    mine.address.resize(bytes);
    mine.tag = 1;
    mine.smallCount = kSmall;
    mine.largeCount = kLarge;
    mine.smallBytes = options.smallBytes;
    mine.largeBytes = options.largeBytes;
    const Peer peer = Exchange(channel, mine);
    fi_addr_t to = 0;
    Check(fi_av_insert(raw.addresses.get(), peer.address.data(), 1, &to, 0, nullptr) == 1, "fi_av_insert");
    std::vector<xfer::fabric::Operation> operations(one.messages.size());
    const Deadline deadline(kSeconds);
    const auto progress = [&] {
      fi_cq_msg_entry entry;
      // Its own errors are of no interest.
      if (fi_cq_read(raw.queue.get(), &entry, 1) == -FI_EAVAIL) {
        fi_cq_err_entry error = {};
        fi_cq_readerr(raw.queue.get(), &error, 0);
      }
      sched_yield();
      Check(!deadline.IsOver(), std::string("sending in time: ") + one.name);
    };
    for (size_t i = 0; i < one.messages.size(); i++) {
      const Raw& message = one.messages[i];
      const uint64_t tag = peer.tag << kTagShift | (message.isLarge ? kLargeTag : kSmallTag);
      while (fi_tsend(raw.endpoint.get(), message.bytes.data(), message.bytes.size(), nullptr, to, tag, &operations[i].context) == -FI_EAGAIN) progress();
    }
    // Until the other side has seen enough.
    while (!channel.HasWord()) progress();
    channel.Hear('n');
    cases++;
  }
  std::printf("{\"scenario\":\"garbage\",\"cases\":%zu}\n", cases);
}

}  // namespace

void scenarios::Garbage(const std::string& provider) {
  pair::Run([&](const Channel& channel) { Suffer(channel, provider); }, [&](const Channel& channel, pid_t) { Throw(channel, provider); });
}
