#include "udp-buffers.h"

#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "unique-fd.h"

namespace xfer {

namespace {

bool SetOption(int fd, int name, int value) { return setsockopt(fd, SOL_SOCKET, name, &value, sizeof value) == 0; }

int ReadOption(int fd, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : 0;
}

int SetBuffer(int fd, int forced, int plain, int bytes) {
  if (bytes > 0 && !SetOption(fd, forced, bytes)) SetOption(fd, plain, bytes);
  return ReadOption(fd, plain);
}

bool IsUdpAt(int fd, uint16_t port) {
  if (ReadOption(fd, SO_PROTOCOL) != IPPROTO_UDP) return false;
  sockaddr_in6 name = {};
  socklen_t length = sizeof name;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return false;
  // The port stands at the same place in an address of IPv4.
  return (name.sin6_family == AF_INET || name.sin6_family == AF_INET6) && ntohs(name.sin6_port) == port;
}

/** Where the default is more than may be asked for it would become less: so another socket tries it first. */
int Widen(int fd, int tried, int forced, int plain, int bytes) {
  const int has = ReadOption(fd, plain);
  return has >= ReadOption(tried, plain) ? has : SetBuffer(fd, forced, plain, bytes);
}

}  // namespace

UdpBuffers SetUdpBuffers(int fd, int bytes) {
  return {SetBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes), SetBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, bytes)};
}

int WidenUdpBuffers(uint16_t port, int bytes, UdpBuffers& least) {
  const UniqueFd tried(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const std::unique_ptr<DIR, int (*)(DIR*)> all(opendir("/proc/self/fd"), closedir);
  // Port 0 is that of what is not bound.
  if (port == 0 || !tried.Valid() || !all) return 0;
  SetUdpBuffers(tried.Get(), bytes);
  int found = 0;
  while (const dirent* const entry = readdir(all.get())) {
    char* end = nullptr;
    const int fd = static_cast<int>(std::strtol(entry->d_name, &end, 10));
    if (end == entry->d_name || !IsUdpAt(fd, port)) continue;
    const UdpBuffers has = {Widen(fd, tried.Get(), SO_RCVBUFFORCE, SO_RCVBUF, bytes),
                            Widen(fd, tried.Get(), SO_SNDBUFFORCE, SO_SNDBUF, bytes)};
    least = found++ == 0 ? has
                         : UdpBuffers{std::min(least.receiveBytes, has.receiveBytes), std::min(least.sendBytes, has.sendBytes)};
  }
  return found;
}

}  // namespace xfer
