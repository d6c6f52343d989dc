#pragma once
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace xfer {

/** How a descriptor is read and written without waiting; the numbers are in src/native/addon-descriptors.ts. */
enum class Descriptor : int {
  /** A pipe by a description of our own with O_NONBLOCK. */
  kPipe = 0,
  /** Any socket: MSG_DONTWAIT. */
  kSocket = 1,
  /** Regular files and devices that are always ready. */
  kFile = 2,
  /** One that others share and that waits: it is only touched when poll(2) says that it is ready. */
  kShared = 3,
  /** A terminal by a description of our own with O_NONBLOCK. */
  kTerminal = 4,
};
constexpr uint64_t kMostDescriptor = 4;

/** Where more than this is there, it is read beside the loop. */
constexpr size_t kMostInLoop = 64 * 1024;

/** Bytes, 0 at the end, or an errno below zero: EAGAIN where nothing is there. */
ssize_t ReadReady(int fd, Descriptor kind, uint8_t* into, size_t bytes);

/** As ReadReady, and goes on reading a pipe while more is there. */
ssize_t ReadAllReady(int fd, Descriptor kind, uint8_t* into, size_t bytes);

/** How many bytes were taken, or an errno below zero: EAGAIN where nothing is. */
ssize_t WriteReady(int fd, Descriptor kind, const uint8_t* from, size_t bytes);

/** As WriteReady, and goes on as long as more is taken soon: a reader that drains a pipe makes room every other moment. */
ssize_t WriteWhileTaken(int fd, Descriptor kind, const uint8_t* from, size_t bytes);

/** What may be read from it, or 0 where that is not known. */
size_t BytesThere(int fd);

}  // namespace xfer
