#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

#include "fabric-endpoint.h"

namespace xfer::fabric {

/** Loops over a pair of connected endpoints, polling, to compare with fabtests: both ends run the same one, with the same options. */
struct LoopOptions {
  /** Of content; the header of 16 bytes comes beside it. */
  size_t messageBytes = 0;
  uint64_t iterations = 0;
  /** Before the clock starts. */
  uint64_t warmUp = 0;
  /** The client sends first, and measures. */
  bool isClient = false;
  /** A loop in which nothing moves for so long has failed. */
  double idleSeconds = 10;
  /** Ends it from elsewhere. */
  const std::atomic<bool>* isCancelled = nullptr;
};

/** What one run leaves to the next over the same endpoint: memory to send from, and what of the credit is used. */
struct LoopState {
  /** Registered, for the largest message. */
  std::shared_ptr<uint8_t> memory;
  size_t memoryBytes = 0;
  uint32_t smallSent = 0;
  uint32_t largeSent = 0;
};

struct LoopResult {
  double seconds = 0;
  /** Of one message one way, as fi_pingpong counts: half of a round trip. */
  double transferMicroseconds = 0;
  double bytesPerSecond = 0;
};

/** One message there, one back. */
LoopResult PingPong(Endpoint& endpoint, const Peer& peer, LoopState& state, const LoopOptions& options, Failure& failure);

/** As many one way as credit allows, then one back. Every message lies in registered memory where it is received. */
LoopResult OneWay(Endpoint& endpoint, const Peer& peer, LoopState& state, const LoopOptions& options, Failure& failure);

}  // namespace xfer::fabric
