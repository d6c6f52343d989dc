#include "fabric-loops.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <vector>

#include "fabric-wire.h"

namespace xfer::fabric {

namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/** How often an idle loop looks at the clock. */
constexpr uint64_t kIdleTurns = 4096;

/** One end: what it has sent and received, each received block released at once. */
class Runner {
 public:
  Runner(Endpoint& endpoint, const Peer& peer, LoopState& state, const LoopOptions& options, Failure& failure)
      : endpoint_(endpoint), state_(state), options_(options), failure_(failure) {
    if (options.messageBytes > std::max(peer.smallBytes, peer.largeBytes) - kHeaderBytes) failure = {EMSGSIZE, "the message is too large"};
    if (!failure && state.memoryBytes < options.messageBytes) Grow(peer);
    pieces_.push_back({state.memory.get(), options.messageBytes});
    isSmall_ = options.messageBytes + kHeaderBytes <= peer.smallBytes;
  }

  bool HasFailed() const { return static_cast<bool>(failure_); }
  uint64_t Sent() const { return sent_; }
  uint64_t Received() const { return received_; }

  bool HasRoom() const { return isSmall_ ? HasSmallRoom() : endpoint_.LargeGranted() != state_.largeSent; }

  void Send() {
    endpoint_.Send(sent_++, nullptr, 0, pieces_);
    (isSmall_ ? state_.smallSent : state_.largeSent)++;
  }

  /** Of no content: what ends a loop one way. */
  void SendLast() {
    while (!HasSmallRoom() && Turn()) continue;
    if (HasFailed()) return;
    endpoint_.Send(sent_++, nullptr, 0, {});
    state_.smallSent++;
  }

  /** One turn; false where the loop is over. */
  bool Turn() {
    if (HasFailed()) return false;
    events_.clear();
    if (!endpoint_.Poll(events_)) return TurnedIdle();
    idleTurns_ = 0;
    for (const Event& event : events_) {
      const bool isLarge = event.kind == Event::Kind::kLarge;
      if (event.kind == Event::Kind::kFailed) failure_ = endpoint_.Broken();
      if (event.kind != Event::Kind::kSmall && !isLarge) continue;
      received_++;
      endpoint_.Release(isLarge, static_cast<uint32_t>(event.id));
    }
    return !HasFailed();
  }

  bool ReceiveUntil(uint64_t received) {
    while (received_ < received) {
      if (!Turn()) return false;
    }
    return true;
  }

  /** Until nothing of ours is under way: the other end may be waiting for the last. */
  void Finish() {
    while (endpoint_.Unsent() > 0 && Turn()) continue;
  }

 private:
  bool HasSmallRoom() const { return endpoint_.SmallGranted() != state_.smallSent; }

  /** For all that may follow: what is registered stays so until the endpoint closes. */
  void Grow(const Peer& peer) {
    state_.memory = endpoint_.Region(peer.largeBytes, failure_);
    if (!failure_) state_.memoryBytes = peer.largeBytes;
  }

  bool TurnedIdle() {
    if (idleTurns_ == 0) idleSince_ = Clock::now();
    if (++idleTurns_ % kIdleTurns != 0) return true;
    if (options_.isCancelled != nullptr && *options_.isCancelled) failure_ = {ECANCELED, "cancelled"};
    else if (SecondsSince(idleSince_) > options_.idleSeconds) failure_ = {ETIMEDOUT, "nothing moves"};
    return !HasFailed();
  }

  Endpoint& endpoint_;
  LoopState& state_;
  const LoopOptions& options_;
  Failure& failure_;
  std::vector<Piece> pieces_;
  std::vector<Event> events_;
  bool isSmall_ = false;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
  uint64_t idleTurns_ = 0;
  Clock::time_point idleSince_;
};

LoopResult ResultOf(double seconds, uint64_t transfers, size_t bytes) {
  LoopResult result;
  result.seconds = seconds;
  result.transferMicroseconds = seconds * 1e6 / static_cast<double>(transfers);
  result.bytesPerSecond = static_cast<double>(bytes) * static_cast<double>(transfers) / seconds;
  return result;
}

}  // namespace

LoopResult PingPong(Endpoint& endpoint, const Peer& peer, LoopState& state, const LoopOptions& options, Failure& failure) {
  Runner runner(endpoint, peer, state, options, failure);
  if (runner.HasFailed()) return {};
  const uint64_t rounds = options.warmUp + options.iterations;
  Clock::time_point start = Clock::now();
  for (uint64_t round = 0; round < rounds; round++) {
    if (round == options.warmUp) start = Clock::now();
    if (!options.isClient && !runner.ReceiveUntil(round + 1)) return {};
    while (!runner.HasRoom() && runner.Turn()) continue;
    if (runner.HasFailed()) return {};
    runner.Send();
    if (options.isClient && !runner.ReceiveUntil(round + 1)) return {};
    if (runner.HasFailed()) return {};
  }
  const double seconds = SecondsSince(start);
  runner.Finish();
  return ResultOf(seconds, options.iterations * 2, options.messageBytes);
}

LoopResult OneWay(Endpoint& endpoint, const Peer& peer, LoopState& state, const LoopOptions& options, Failure& failure) {
  Runner runner(endpoint, peer, state, options, failure);
  if (runner.HasFailed()) return {};
  const uint64_t messages = options.warmUp + options.iterations;
  Clock::time_point start = Clock::now();
  if (options.isClient) {
    while (runner.Sent() < messages) {
      if (runner.Sent() == options.warmUp) start = Clock::now();
      if (runner.HasRoom()) runner.Send();
      else if (!runner.Turn()) return {};
    }
    if (!runner.ReceiveUntil(1)) return {};
  } else {
    if (!runner.ReceiveUntil(messages)) return {};
    runner.SendLast();
  }
  const double seconds = SecondsSince(start);
  runner.Finish();
  return ResultOf(seconds, options.iterations, options.messageBytes);
}

}  // namespace xfer::fabric
