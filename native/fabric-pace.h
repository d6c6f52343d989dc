#pragma once
#include <algorithm>
#include <chrono>

#include "fabric-limits.h"

namespace xfer::fabric {

/**
 * How long to look for more before waiting. A wait costs an answer two switches, on each side; so while messages go to and fro it is put off
 * for longer than an answer takes. Bulk comes seldom by comparison, and whoever makes or uses it wants the processor.
 */
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Pace(Clock::time_point now) : last_(now) {}

  /** Something came, or is to be done. */
  void Happened(Clock::time_point now) {
    // Of a long silence no more than a few answers have to make up for.
    const auto gap = std::min<Clock::duration>(now - last_, 4 * kOften);
    average_ += (gap - average_) / 4;
    last_ = now;
  }
  /** Others want the processor: only what comes often from now on is looked for. */
  void Crowded() { average_ = 4 * kOften; }
  Clock::duration Idle(Clock::time_point now) const { return now - last_; }
  Clock::duration Spin() const { return average_ <= kOften ? kLongSpin : kShortSpin; }

 private:
  Clock::time_point last_;
  Clock::duration average_ = 4 * kOften;
};

}  // namespace xfer::fabric
