#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "udp-address.h"
#include "udp-counters.h"

namespace xfer {

/** One message is at most so long, joined by UDP_GRO or not; each has a slot of the slab. */
constexpr size_t kSlotBytes = size_t{1} << 16;
constexpr size_t kSlots = 64;
constexpr size_t kSlabBytes = kSlots * kSlotBytes;

/** Packets of one source, all of `segmentBytes` but the last, in the slab from `at` on. */
struct ReceivedMessage {
  size_t at = 0;
  size_t bytes = 0;
  size_t segmentBytes = 0;
  int ecn = 0;
  const sockaddr_in6* from = nullptr;
  /** Ours, that it was sent to; none where the socket does not ask for it. */
  Address local;
};

/** Fills a slab by recvmmsg, one message a slot. */
class UdpReceiver {
 public:
  UdpReceiver(int fd, size_t most, UdpCounters& counters);

  /** The slab is the caller's; it may move between batches. */
  void SetSlab(uint8_t* slab);

  /** Adds to the batch what is there. 0, EAGAIN where there is no more for now, or another errno. */
  int Receive();
  size_t Count() const { return count_; }
  bool IsFull() const { return count_ >= most_; }
  ReceivedMessage At(size_t index) const;
  void Clear();

 private:
  struct alignas(cmsghdr) Control {
    uint8_t bytes[128];
  };

  const int fd_;
  const size_t most_;
  UdpCounters& counters_;
  uint8_t* slab_ = nullptr;
  size_t count_ = 0;
  /** Those of the last call, on average. */
  bool wereLong_ = false;
  std::vector<mmsghdr> headers_;
  std::vector<iovec> slots_;
  std::vector<Control> controls_;
  std::vector<sockaddr_in6> sources_;
};

}  // namespace xfer
