#pragma once
#include <cstdint>

namespace xfer {

/** BatchCounters of src/native/udp-api.ts, in its order. */
struct UdpCounters {
  uint64_t packetsSent = 0;
  uint64_t bytesSent = 0;
  uint64_t batchesSent = 0;
  uint64_t packetsReceived = 0;
  uint64_t bytesReceived = 0;
  uint64_t batchesReceived = 0;
  uint64_t fullBatches = 0;
  uint64_t packetsDropped = 0;
  uint64_t packetsFailed = 0;
  uint64_t packetsUnknown = 0;
  uint64_t packetsForged = 0;
};

}  // namespace xfer
