#pragma once
#include <cstdint>

#include "udp-address.h"
#include "udp-buffers.h"
#include "unique-fd.h"

namespace xfer {

struct UdpOptions {
  Address at;
  /** 0: the system's default. */
  int bufferBytes = 0;
  bool gso = true;
  bool gro = true;
  /** Of packets that probe their path: not fragmented, marked ECT(0), ICMP errors told. */
  bool packets = false;
};

struct UdpFeatures {
  bool gso = false;
  bool gro = false;
  bool ecn = false;
  UdpBuffers buffers;
};

/** A bound socket that does not block, with what of the options the kernel has. 0 or an errno, and the call that gave it. */
int OpenUdp(const UdpOptions& options, UniqueFd& fd, Address& bound, UdpFeatures& features, const char*& syscall);

}  // namespace xfer
