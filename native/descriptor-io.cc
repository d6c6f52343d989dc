#include "descriptor-io.h"

#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace xfer {

namespace {

/** A thread of the pool waits no longer for a reader: it is wanted elsewhere, and an exit waits for it. */
constexpr int kTakenSoonMs = 2;

bool IsReady(int fd, short events, int timeoutMs) {
  pollfd one{fd, events, 0};
  return poll(&one, 1, timeoutMs) > 0;
}

template <class Call>
ssize_t Repeated(Call call) {
  for (;;) {
    const ssize_t n = call();
    if (n >= 0) return n;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace

ssize_t ReadReady(int fd, Descriptor kind, uint8_t* into, size_t bytes) {
  if (kind == Descriptor::kShared && !IsReady(fd, POLLIN, 0)) return -EAGAIN;
  return Repeated([&] { return kind == Descriptor::kSocket ? recv(fd, into, bytes, MSG_DONTWAIT) : read(fd, into, bytes); });
}

ssize_t ReadAllReady(int fd, Descriptor kind, uint8_t* into, size_t bytes) {
  const ssize_t first = ReadReady(fd, kind, into, bytes);
  if (first <= 0 || kind != Descriptor::kPipe) return first;
  auto have = static_cast<size_t>(first);
  // Asked before, so that the end is left for the next call to see.
  while (have < bytes && BytesThere(fd) > 0) {
    const ssize_t n = ReadReady(fd, kind, into + have, bytes - have);
    if (n <= 0) break;
    have += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(have);
}

ssize_t WriteReady(int fd, Descriptor kind, const uint8_t* from, size_t bytes) {
  if (kind == Descriptor::kShared) {
    if (!IsReady(fd, POLLOUT, 0)) return -EAGAIN;
    bytes = std::min<size_t>(bytes, PIPE_BUF);  // so much never waits then (POSIX, write: pipes)
  }
  return Repeated([&] {
    return kind == Descriptor::kSocket ? send(fd, from, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) : write(fd, from, bytes);
  });
}

ssize_t WriteWhileTaken(int fd, Descriptor kind, const uint8_t* from, size_t bytes) {
  size_t written = 0;
  while (written < bytes) {
    const ssize_t n = WriteReady(fd, kind, from + written, bytes - written);
    if (n > 0) {
      written += static_cast<size_t>(n);
    } else if (n == 0) {
      if (written == 0) return -EIO;  // no progress and no reason: never loop on it
      break;
    } else if (n != -EAGAIN) {
      if (written == 0) return n;  // else it comes again at the next call
      break;
    } else if (!IsReady(fd, POLLOUT, kTakenSoonMs)) {
      if (written == 0) return n;
      break;
    }
  }
  return static_cast<ssize_t>(written);
}

size_t BytesThere(int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

}  // namespace xfer
