#pragma once
#include <array>
#include <mutex>

namespace xfer {

/**
 * Held while a file is written to: the kernel lets one writer at a time into a file, and those that wait for it spin,
 * which takes a processor from the rest. Waiting here sleeps. Files whose descriptors are equal modulo 64 share a lock.
 */
inline std::mutex& WriteLockOf(int fd) {
  static auto* const locks = new std::array<std::mutex, 64>;  // never destroyed: threads may still write at exit
  return (*locks)[static_cast<unsigned>(fd) % locks->size()];
}

}  // namespace xfer
