#pragma once
#include <cstdint>

namespace xfer {

constexpr uint64_t kMostUdpBufferBytes = (uint64_t{1} << 30) - 1;

/** Of a socket, as the kernel counts: twice what it was given, for its own bookkeeping. */
struct UdpBuffers {
  int receiveBytes = 0;
  int sendBytes = 0;
};

/** Asks for so many bytes each way; 0: as they are. Past net.core.{r,w}mem_max only with CAP_NET_ADMIN. Gives what there is then. */
UdpBuffers SetUdpBuffers(int fd, int bytes);

/**
 * The same for every UDP socket of this process that is bound to the port, whoever opened it, where that gives it more than it has. Gives the least
 * that one of them has then, and how many they are; none where there is no /proc.
 */
int WidenUdpBuffers(uint16_t port, int bytes, UdpBuffers& least);

}  // namespace xfer
