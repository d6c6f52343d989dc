#include "udp-errors.h"

#include <linux/errqueue.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace xfer {

bool NextUnreachable(int fd, Unreachable& unreachable) {
  sockaddr_storage name = {};
  alignas(cmsghdr) uint8_t control[512];
  // The start of the datagram that was sent would come, too: nobody wants it.
  msghdr header = {};
  header.msg_name = &name;
  header.msg_namelen = sizeof name;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  if (recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false;
  unreachable.to = Address::FromKernel(name);
  unreachable.error = 0;
  for (cmsghdr* found = CMSG_FIRSTHDR(&header); found != nullptr; found = CMSG_NXTHDR(&header, found)) {
    const bool v4 = found->cmsg_level == SOL_IP && found->cmsg_type == IP_RECVERR;
    const bool v6 = found->cmsg_level == SOL_IPV6 && found->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    sock_extended_err error;
    std::memcpy(&error, CMSG_DATA(found), sizeof error);
    const bool isRemote = error.ee_origin == SO_EE_ORIGIN_ICMP || error.ee_origin == SO_EE_ORIGIN_ICMP6;
    // Too large for the path is for whoever probes the path to find, not that nobody is there.
    if (isRemote && error.ee_errno != EMSGSIZE) unreachable.error = static_cast<int>(error.ee_errno);
  }
  return true;
}

}  // namespace xfer
