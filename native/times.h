#pragma once
#include <cstdint>

#include <sys/stat.h>

namespace xfer::files {

constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

/** Leaves the access time alone and sets the modification time; rounds towards the past before 1970 too. */
struct Times {
  explicit Times(int64_t mtimeNs) {
    int64_t seconds = mtimeNs / kNanosecondsPerSecond;
    int64_t rest = mtimeNs % kNanosecondsPerSecond;
    if (rest < 0) {
      rest += kNanosecondsPerSecond;
      seconds--;
    }
    values[0].tv_sec = 0;
    values[0].tv_nsec = UTIME_OMIT;
    values[1].tv_sec = static_cast<time_t>(seconds);
    values[1].tv_nsec = static_cast<long>(rest);
  }
  timespec values[2];
};

inline int64_t Nanoseconds(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * kNanosecondsPerSecond + time.tv_nsec;
}

#if defined(__APPLE__)
inline const timespec& ModifiedAt(const struct stat& found) { return found.st_mtimespec; }
inline const timespec& ChangedAt(const struct stat& found) { return found.st_ctimespec; }
#else
inline const timespec& ModifiedAt(const struct stat& found) { return found.st_mtim; }
inline const timespec& ChangedAt(const struct stat& found) { return found.st_ctim; }
#endif

}  // namespace xfer::files
