#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace xfer {

/** What jobs spend their time on; the order is that of StageTimes in src/native/api.ts. */
enum class Stage : int { kRead = 0, kSeal = 1, kOpen = 2, kWrite = 3 };
constexpr int kStages = 4;

/** Nanoseconds that all threads together spent in each stage since the addon was loaded. */
inline std::array<std::atomic<uint64_t>, kStages>& StageTimes() {
  static std::array<std::atomic<uint64_t>, kStages> times{};
  return times;
}

/** Adds its own lifetime to a stage. */
class StageClock {
 public:
  explicit StageClock(Stage stage) : stage_(stage), from_(Clock::now()) {}
  ~StageClock() {
    const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - from_);
    StageTimes()[static_cast<size_t>(stage_)].fetch_add(static_cast<uint64_t>(spent.count()),
                                                        std::memory_order_relaxed);
  }
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  const Stage stage_;
  const Clock::time_point from_;
};

}  // namespace xfer
