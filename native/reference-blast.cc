#include "reference-blast.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "unique-fd.h"

namespace xfer {

namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
/** Of one system call: a process that ends waits for what runs. */
constexpr time_t kStallSeconds = 1;
/** Others who dial the port between our listening and our connecting, at most. */
constexpr int kMaxStrangers = 16;

using Clock = std::chrono::steady_clock;

UniqueFd OpenSocket() {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM, 0));
  if (fd.Valid()) fcntl(fd.Get(), F_SETFD, FD_CLOEXEC);
  return fd;
}

int LimitWaiting(int fd) {
  const timeval limit{kStallSeconds, 0};
  const bool ok = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
                  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0;
  return ok ? 0 : errno;
}

/** Two ends of a connection over loopback. */
int ConnectedPair(UniqueFd& writing, UniqueFd& reading) {
  const UniqueFd listener = OpenSocket();
  writing = OpenSocket();
  if (!listener.Valid() || !writing.Valid()) return errno;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr* const bare = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  if (bind(listener.Get(), bare, length) != 0 || listen(listener.Get(), kMaxStrangers) != 0) return errno;
  if (const int error = LimitWaiting(listener.Get()); error != 0) return error;
  if (const int error = LimitWaiting(writing.Get()); error != 0) return error;
  if (getsockname(listener.Get(), bare, &length) != 0) return errno;
  if (connect(writing.Get(), bare, length) != 0) return errno;
  sockaddr_in own{};
  length = sizeof own;
  if (getsockname(writing.Get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) return errno;
  for (int tries = 0; tries <= kMaxStrangers; tries++) {
    sockaddr_in peer{};
    length = sizeof peer;
    reading = UniqueFd(accept(listener.Get(), reinterpret_cast<sockaddr*>(&peer), &length));
    if (!reading.Valid()) return errno;
    if (peer.sin_port != own.sin_port) continue;
    fcntl(reading.Get(), F_SETFD, FD_CLOEXEC);
    return LimitWaiting(reading.Get());
  }
  return ECONNREFUSED;
}

int WriteUntil(int fd, uint8_t* buffer, Clock::time_point deadline) {
#ifdef MSG_NOSIGNAL
  constexpr int flags = MSG_NOSIGNAL;
#else
  constexpr int flags = 0;  // Node ignores SIGPIPE
#endif
  while (Clock::now() < deadline) {
    const ssize_t sent = send(fd, buffer, kBufferBytes, flags);
    if (sent < 0 && errno != EINTR) return errno;
  }
  return shutdown(fd, SHUT_WR) == 0 ? 0 : errno;
}

int ReadToEnd(int fd, uint8_t* buffer, uint64_t& bytes) {
  for (;;) {
    const ssize_t got = recv(fd, buffer, kBufferBytes, 0);
    if (got == 0) return 0;
    if (got > 0) bytes += static_cast<uint64_t>(got);
    else if (errno != EINTR) return errno;
  }
}

}  // namespace

int RunReferenceBlast(uint64_t milliseconds, Blast& blast) {
  UniqueFd writing;
  UniqueFd reading;
  if (const int error = ConnectedPair(writing, reading); error != 0) return error;
  // Touched before the clock runs: a first access to a page costs as much as sending it.
  const std::unique_ptr<uint8_t[]> out(new uint8_t[kBufferBytes]());
  const std::unique_ptr<uint8_t[]> in(new uint8_t[kBufferBytes]());
  int readError = 0;
  std::thread reader;
  try {
    reader = std::thread([&] {
      readError = ReadToEnd(reading.Get(), in.get(), blast.bytes);
      // Whoever writes must not wait for a reader that has failed.
      if (readError != 0) shutdown(reading.Get(), SHUT_RDWR);
    });
  } catch (const std::system_error&) {
    return EAGAIN;
  }
  const Clock::time_point began = Clock::now();
  const int writeError = WriteUntil(writing.Get(), out.get(), began + std::chrono::milliseconds(milliseconds));
  if (writeError != 0) shutdown(writing.Get(), SHUT_RDWR);
  reader.join();
  blast.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return readError != 0 ? readError : writeError;
}

}  // namespace xfer
