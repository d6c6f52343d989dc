#pragma once
#if defined(__linux__)
#include <cstdint>

#include <sys/syscall.h>

// Of linux/openat2.h, which older headers lack.
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

namespace xfer::files {

struct OpenHow {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
constexpr uint64_t kResolveNoMagicLinks = 0x02;
constexpr uint64_t kResolveNoSymlinks = 0x04;
constexpr uint64_t kResolveBeneath = 0x08;
/** EAGAIN where something on the way would have to be looked up; since Linux 5.12. */
constexpr uint64_t kResolveCached = 0x20;

}  // namespace xfer::files
#endif
