#include "udp-open.h"

#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

// Of Linux 4.18 and 5.0; older headers lack them.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace xfer {

namespace {

constexpr int kEct0 = 2;

bool Set(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value) == 0; }

/** A socket of both families takes the options of IPv4, too, for its IPv4 traffic. */
void SetPacketOptions(int fd, bool isV6) {
  Set(fd, SOL_IP, IP_TOS, kEct0);
  Set(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  Set(fd, SOL_IP, IP_RECVERR, 1);
  // So that poll tells of the error queue by POLLPRI: POLLERR alone ends a uv_poll handle.
  Set(fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1);
  if (!isV6) return;
  Set(fd, SOL_IPV6, IPV6_TCLASS, kEct0);
  Set(fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  Set(fd, SOL_IPV6, IPV6_RECVERR, 1);
}

/** So that answers can go out from the address that was asked; a socket with one address has no other. */
void AskForLocal(int fd, bool isV6) {
  if (isV6) {
    Set(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1);
  } else {
    Set(fd, SOL_IP, IP_PKTINFO, 1);
  }
}

bool ReadsEcn(int fd, bool isV6) {
  const bool v4 = Set(fd, SOL_IP, IP_RECVTOS, 1);
  return isV6 ? Set(fd, SOL_IPV6, IPV6_RECVTCLASS, 1) : v4;
}

/** Set and unset: it says whether the kernel knows it, not whether every device does. */
bool KnowsGso(int fd) { return Set(fd, SOL_UDP, UDP_SEGMENT, 1200) && Set(fd, SOL_UDP, UDP_SEGMENT, 0); }

}  // namespace

int OpenUdp(const UdpOptions& options, UniqueFd& fd, Address& bound, UdpFeatures& features, const char*& syscall) {
  const bool isV6 = options.at.IsV6();
  syscall = "socket";
  fd = UniqueFd(socket(options.at.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.Valid()) return errno;
  if (isV6) Set(fd.Get(), SOL_IPV6, IPV6_V6ONLY, 0);
  syscall = "bind";
  if (bind(fd.Get(), &options.at.any, options.at.Length()) != 0) return errno;
  sockaddr_storage name = {};
  socklen_t length = sizeof name;
  syscall = "getsockname";
  if (getsockname(fd.Get(), reinterpret_cast<sockaddr*>(&name), &length) != 0) return errno;
  bound = Address::FromKernel(name);

  features.buffers = SetUdpBuffers(fd.Get(), options.bufferBytes);
  features.gso = options.gso && KnowsGso(fd.Get());
  features.gro = options.gro && Set(fd.Get(), SOL_UDP, UDP_GRO, 1);
  features.ecn = ReadsEcn(fd.Get(), isV6);
  if (options.packets) SetPacketOptions(fd.Get(), isV6);
  if (options.packets && bound.IsWildcard()) AskForLocal(fd.Get(), isV6);
  return 0;
}

}  // namespace xfer
