#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "link-flows.h"

namespace emulated {

/** Nanoseconds of CLOCK_MONOTONIC, or between two such. */
using Nanos = int64_t;

/** What one direction does to packets; may change at any time. */
struct Parameters {
  double rate = 0;         // bits of IP packets a second; 0: no limit, and so no queue
  Nanos delay = 0;         // of one way
  double loss = 0;         // chance of each packet
  double burst_start = 0;  // chance of each packet to begin a burst, in which all are lost
  double burst_length = 1; // packets of a burst, on average
  int64_t queue = 1 << 20; // bytes that may wait, the packet being sent included; the newest is dropped past it
  uint32_t mtu = 65535;    // bytes: what is larger is dropped, and nobody is told
  int64_t mark = 0;        // bytes: the time with more than this in the queue is counted
  Nanos jitter = 0;        // up to so much is added to the delay, evenly
  bool reorder = false;    // jitter may bring packets out of order
  bool down = false;       // what arrives is dropped
};

constexpr Nanos kOverrunGap = 100'000'000;

/** Memory for packets of one size, used again. Slots are numbers, so that what sorts packets moves little. */
class Slots {
 public:
  explicit Slots(size_t bytes) : bytes_(bytes) {}
  uint32_t Take() {
    if (free_.empty()) {
      memory_.push_back(std::make_unique_for_overwrite<uint8_t[]>(bytes_));
      free_.push_back(static_cast<uint32_t>(memory_.size() - 1));
    }
    const uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  void Give(uint32_t slot) { free_.push_back(slot); }
  uint8_t* At(uint32_t slot) { return memory_[slot].get(); }
  size_t Bytes() const { return bytes_; }

 private:
  const size_t bytes_;
  std::vector<std::unique_ptr<uint8_t[]>> memory_;
  std::vector<uint32_t> free_;
};

struct Packet {
  uint32_t slot;
  uint32_t bytes;
};

/**
 * A queue before a wire: packets wait for the wire (or are dropped where the queue is full), take their time on it, may be
 * lost there, and are due after the delay. Times are arguments and exact however late the caller is: a packet leaves the
 * queue at the moment when the one before it has been sent, not when somebody looks.
 */
class Direction {
 public:
  Direction(Slots& slots, uint64_t seed) : slots_(slots), loss_dice_(seed), jitter_dice_(~seed) {}

  const Parameters& Get() const { return parameters_; }

  void Set(const Parameters& parameters, Nanos now) {
    Advance(now);
    const double before = parameters_.rate;
    parameters_ = parameters;
    // What is left of the packet on the wire goes on at the new rate.
    if (!waiting_.empty() && before > 0)
      head_done_ = now + (parameters.rate > 0 ? static_cast<Nanos>((head_done_ - now) * before / parameters.rate) : 0);
    Advance(now);
  }

  void Arrive(Packet packet, Nanos now) {
    Advance(now);
    count_.arrived.Add(packet.bytes);
    if (parameters_.down) return Drop(packet, count_.down);
    if (packet.bytes > parameters_.mtu) return Drop(packet, count_.oversized);
    if (occupied_ > 0 && occupied_ + packet.bytes > parameters_.queue) {
      CountOverrun(now);
      return Drop(packet, count_.overrun);
    }
    if (waiting_.empty()) head_done_ = now + WireTime(packet.bytes);
    waiting_.push_back(packet);
    Occupy(occupied_ + packet.bytes, now);
    Advance(now);
  }

  /** When `TakeDue` may next give something; may be too early, never too late. */
  Nanos Next() const {
    const Nanos flying = flying_.empty() ? INT64_MAX : flying_.top().due;
    return waiting_.empty() ? flying : std::min(flying, head_done_ + parameters_.delay);
  }

  /** The next packet to be delivered by `now`; its slot is the caller's to give back. */
  bool TakeDue(Nanos now, Packet* packet) {
    Advance(now);
    if (flying_.empty() || flying_.top().due > now) return false;
    *packet = flying_.top().packet;
    flying_.pop();
    count_.delivered.Add(packet->bytes);
    flows_.Count(slots_.At(packet->slot), packet->bytes);
    return true;
  }

  /** The device would not take a packet that `TakeDue` gave. */
  void Undelivered() { count_.undelivered++; }

  /** Statistics begin anew; what is under way stays. */
  void Reset(Nanos now) {
    Advance(now);
    count_ = Counts{};
    count_.high_water = occupied_;
    above_since_ = now;
    flows_ = Flows{};
  }

  std::string Json(Nanos now) {
    Advance(now);
    const bool above = occupied_ > parameters_.mark;
    const Nanos spell = above ? now - above_since_ : 0;
    const auto counts = [](const char* name, const Count& count) {
      return Text("\"%sPackets\":%ld,\"%sBytes\":%ld,", name, count.packets, name, count.bytes);
    };
    return "{" + counts("arrived", count_.arrived) + counts("delivered", count_.delivered) +
           counts("lost", count_.lost) + counts("overrun", count_.overrun) + counts("down", count_.down) +
           counts("oversized", count_.oversized) +
           Text("\"undeliveredPackets\":%ld,\"queueBytes\":%ld,\"queueHighWaterBytes\":%ld,", count_.undelivered,
                occupied_, count_.high_water) +
           Text("\"aboveMarkMs\":%.3f,\"longestAboveMarkMs\":%.3f,", (count_.above + spell) / 1e6,
                std::max(count_.longest_above, spell) / 1e6) +
           Text("\"overruns\":%ld,\"overrunMs\":%.3f,", count_.overruns, count_.overrun_time / 1e6) +
           "\"flows\":" + flows_.Json() + "}";
  }

 private:
  struct Count {
    int64_t packets = 0;
    int64_t bytes = 0;
    void Add(uint32_t more) {
      packets++;
      bytes += more;
    }
  };
  struct Counts {
    Count arrived, delivered, lost, overrun, down, oversized;
    int64_t undelivered = 0;
    int64_t high_water = 0;
    Nanos above = 0, longest_above = 0;
    int64_t overruns = 0;
    Nanos overrun_time = 0, last_overrun = 0;
  };
  struct Flying {
    Nanos due;
    uint64_t order;
    Packet packet;
    bool operator>(const Flying& other) const {
      return due != other.due ? due > other.due : order > other.order;
    }
  };

  Nanos WireTime(uint32_t bytes) const {
    return parameters_.rate > 0 ? static_cast<Nanos>(bytes * 8e9 / parameters_.rate) : 0;
  }

  /** Takes from the queue what has been sent by `now`. */
  void Advance(Nanos now) {
    while (!waiting_.empty() && head_done_ <= now) {
      const Packet packet = waiting_.front();
      waiting_.pop_front();
      Occupy(occupied_ - packet.bytes, head_done_);
      Launch(packet, head_done_);
      if (!waiting_.empty()) head_done_ += WireTime(waiting_.front().bytes);
    }
  }

  /** One draw for each packet and kind of loss, whatever the times are: which packets are lost depends on the seed alone. */
  void Launch(Packet packet, Nanos sent) {
    const double single = Roll(loss_dice_);
    const double burst = Roll(loss_dice_);
    in_burst_ = in_burst_ ? burst >= 1 / parameters_.burst_length : burst < parameters_.burst_start;
    if (in_burst_ || single < parameters_.loss) return Drop(packet, count_.lost);
    Nanos due = sent + parameters_.delay;
    if (parameters_.jitter > 0) due += static_cast<Nanos>(Roll(jitter_dice_) * static_cast<double>(parameters_.jitter));
    if (!parameters_.reorder) due = last_due_ = std::max(due, last_due_);
    flying_.push({due, order_++, packet});
  }

  /** Drops that are no more than `kOverrunGap` apart are one overrun, from the first to the last. */
  void CountOverrun(Nanos now) {
    const Nanos gap = now - count_.last_overrun;
    if (count_.overruns > 0 && gap <= kOverrunGap) count_.overrun_time += gap;
    else count_.overruns++;
    count_.last_overrun = now;
  }

  void Drop(Packet packet, Count& count) {
    count.Add(packet.bytes);
    slots_.Give(packet.slot);
  }

  void Occupy(int64_t bytes, Nanos at) {
    const bool was_above = occupied_ > parameters_.mark;
    occupied_ = bytes;
    count_.high_water = std::max(count_.high_water, bytes);
    const bool is_above = bytes > parameters_.mark;
    if (is_above && !was_above) above_since_ = at;
    if (!was_above || is_above) return;
    count_.above += at - above_since_;
    count_.longest_above = std::max(count_.longest_above, at - above_since_);
  }

  /** Evenly in [0, 1). */
  static double Roll(std::mt19937_64& dice) { return static_cast<double>(dice() >> 11) * 0x1p-53; }

  Slots& slots_;
  Parameters parameters_;
  std::deque<Packet> waiting_;
  Nanos head_done_ = 0;
  int64_t occupied_ = 0;
  std::priority_queue<Flying, std::vector<Flying>, std::greater<>> flying_;
  uint64_t order_ = 0;
  Nanos last_due_ = 0;
  bool in_burst_ = false;
  std::mt19937_64 loss_dice_;
  std::mt19937_64 jitter_dice_;
  Nanos above_since_ = 0;
  Counts count_;
  Flows flows_;
};

}  // namespace emulated
