#pragma once
#include <cstdint>

namespace xfer {

struct Blast {
  uint64_t bytes = 0;
  double seconds = 0;
};

/**
 * Sends zeros over one TCP connection on loopback for about so long, from one thread to another: what the kernel and the
 * memory of this machine give to a single stream. Gives an errno.
 */
int RunReferenceBlast(uint64_t milliseconds, Blast& blast);

}  // namespace xfer
