#include <cstring>
#include <map>
#include <random>

#include "pair.h"
#include "scenarios.h"

using namespace pair;

namespace {

constexpr size_t kHeadBytes = 24;
constexpr size_t kHeaderBytes = 16;
constexpr uint32_t kLarge = 150;
constexpr double kSeconds = 90;

/** The sizes of one direction, the same at both ends. */
std::vector<size_t> SizesOf(const EndpointOptions& options, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<size_t> sizes;
  const size_t most = options.largeBytes - kHeaderBytes - kHeadBytes;
  for (size_t bytes = 0; bytes <= options.smallBytes + 8; bytes++) sizes.push_back(bytes);
  for (uint32_t i = 0; i < kLarge; i++) sizes.push_back(random() % (most + 1));
  std::shuffle(sizes.begin(), sizes.end(), random);
  sizes.push_back(most);
  return sizes;
}

uint8_t ByteAt(uint32_t seed, size_t message, size_t at) { return static_cast<uint8_t>(at * 31 + message * 7 + (at >> 8) + seed); }

/** One end: sends all of its own while it checks all of the other's. */
class End {
 public:
  End(const Channel& channel, const std::string& provider, uint32_t seed, uint32_t theirs)
      : channel_(channel), options_(Options(provider)), seed_(seed), theirs_(theirs), random_(seed) {
    endpoint_ = Open(options_);
    peer_ = Exchange(channel, Describe(*endpoint_, options_));
    Check(endpoint_->Connect(peer_), "connecting");
    Failure failure;
    region_ = endpoint_->Region(kRegions * options_.largeBytes, failure);
    Check(failure, "a region");
    outside_.resize(options_.largeBytes);
    for (size_t i = kRegions; i-- > 0;) freeRegions_.push_back(i);
  }

  void Run() {
    const std::vector<size_t> mine = SizesOf(options_, seed_);
    const std::vector<size_t> expected = SizesOf(options_, theirs_);
    const Deadline deadline(kSeconds);
    size_t bytes = 0;
    const std::shared_ptr<uint8_t> small = endpoint_->SmallMemory(bytes);
    const std::shared_ptr<uint8_t> large = endpoint_->LargeMemory(bytes);
    while (received_ < expected.size() || sent_ < mine.size() || endpoint_->Unsent() > 0 || !busy_.empty()) {
      Check(!deadline.IsOver(), "in time: received " + std::to_string(received_) + ", sent " + std::to_string(sent_));
      if (sent_ < mine.size()) SendNext(mine[sent_]);
      std::vector<Event> events;
      endpoint_->Poll(events);
      for (const Event& event : events) {
        if (event.kind == Event::Kind::kFailed) Check(endpoint_->Broken(), "polling");
        if (event.kind == Event::Kind::kSent) Sent(event.id);
        if (event.kind == Event::Kind::kSmall) Received(small.get(), event, expected, false);
        if (event.kind == Event::Kind::kLarge) Received(large.get(), event, expected, true);
      }
    }
    const auto stats = endpoint_->Counters();
    Check(stats.messagesReceived == expected.size() && stats.messagesSent == mine.size(), "the counters");
    Check(stats.copiedBytes > 0 && gathered_ > 0, "some gathered, some copied");
    channel_.Tell('d');
    channel_.Hear('d');
  }

 private:
  static constexpr size_t kRegions = 6;

  void SendNext(size_t bytes) {
    const bool isSmall = bytes + kHeaderBytes + kHeadBytes <= peer_.smallBytes;
    if ((isSmall ? endpoint_->SmallGranted() - smallSent_ : endpoint_->LargeGranted() - largeSent_) == 0) return;
    if (freeRegions_.empty()) return;
    // Some from memory that is not registered, and only one of those at a time.
    const bool isOutside = random_() % 4 == 0;
    if (isOutside && isOutsideBusy_) return;
    const size_t place = freeRegions_.back();
    uint8_t* from = isOutside ? outside_.data() : region_.get() + place * options_.largeBytes;
    for (size_t at = 0; at < bytes; at++) from[at] = ByteAt(seed_, sent_, at);
    uint8_t head[kHeadBytes] = {};
    std::memcpy(head, &sent_, sizeof sent_);
    std::vector<xfer::fabric::Piece> pieces;
    const size_t wanted = 1 + random_() % 5;
    for (size_t i = 0, at = 0; i < wanted; i++) {
      const size_t count = i + 1 == wanted ? bytes - at : (bytes - at) / 2;
      pieces.push_back({from + at, count});
      at += count;
    }
    endpoint_->Send(sent_, head, sizeof head, pieces);
    if (isOutside) isOutsideBusy_ = true;
    else freeRegions_.pop_back();
    busy_[sent_] = isOutside ? kRegions : place;
    if (isSmall) smallSent_++;
    else largeSent_++;
    sent_++;
  }

  void Sent(uint64_t token) {
    Check(busy_.count(token) == 1, "a token once");
    const size_t place = busy_[token];
    busy_.erase(token);
    if (place == kRegions) {
      isOutsideBusy_ = false;
    } else {
      freeRegions_.push_back(place);
    }
    // The memory is ours: what is still sent from there would show.
    const auto stats = endpoint_->Counters();
    const auto start = reinterpret_cast<uintptr_t>(region_.get());
    if (stats.lastPieceAddress >= start && stats.lastPieceAddress < start + kRegions * options_.largeBytes) gathered_++;
    if (place == kRegions) std::memset(outside_.data(), 0xee, 64);
    else std::memset(region_.get() + place * options_.largeBytes, 0xee, 64);
  }

  void Received(const uint8_t* memory, const Event& event, const std::vector<size_t>& expected, bool isLarge) {
    const uint8_t* head = memory + event.offset;
    size_t number = 0;
    std::memcpy(&number, head, sizeof number);
    Check(number == received_, "message " + std::to_string(number) + " where " + std::to_string(received_) + " is next");
    Check(event.bytes == expected[received_] + kHeadBytes, "the length of message " + std::to_string(number));
    Check(isLarge == (event.bytes + kHeaderBytes > options_.smallBytes), "the size of buffer");
    if (isLarge) {
      const auto lead = reinterpret_cast<uintptr_t>(head) - kHeaderBytes + options_.largeLeadBytes;
      Check(lead % 4096 == 0, "a page begins at the lead");
    }
    for (size_t at = 0; at < event.bytes - kHeadBytes; at++) {
      if (head[kHeadBytes + at] != ByteAt(theirs_, received_, at)) Check(false, "byte " + std::to_string(at) + " of message " + std::to_string(number));
    }
    received_++;
    endpoint_->Release(isLarge, static_cast<uint32_t>(event.id));
  }

  const Channel& channel_;
  const EndpointOptions options_;
  const uint32_t seed_;
  const uint32_t theirs_;
  std::mt19937 random_;
  std::unique_ptr<Endpoint> endpoint_;
  Peer peer_;
  std::shared_ptr<uint8_t> region_;
  std::vector<uint8_t> outside_;
  std::vector<size_t> freeRegions_;
  std::map<uint64_t, size_t> busy_;
  bool isOutsideBusy_ = false;
  size_t sent_ = 0;
  size_t received_ = 0;
  size_t gathered_ = 0;
  uint32_t smallSent_ = 0;
  uint32_t largeSent_ = 0;
};

}  // namespace

void scenarios::Order(const std::string& provider) {
  pair::Run([&](const Channel& channel) { End(channel, provider, 1, 2).Run(); },
            [&](const Channel& channel, pid_t) { End(channel, provider, 2, 1).Run(); });
  std::printf("{\"scenario\":\"order\"}\n");
}
