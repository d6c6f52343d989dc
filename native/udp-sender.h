#pragma once
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "udp-address.h"
#include "udp-counters.h"

namespace xfer {

/** Of one message, whatever the kernel: UDP_MAX_SEGMENTS (64 before Linux 6.9) and the longest UDP over IPv4. */
constexpr size_t kMaxSegments = 64;
constexpr size_t kMaxMessageBytes = 65'507;

/**
 * Queues packets and hands them to the kernel, many a call: those of one length to one address as one message where it
 * has UDP_SEGMENT. What is queued is gathered from where it lies, so it must stay until Flush. An error that a message
 * has for itself skips it, a full queue drops the rest, and one that none can escape is kept in `Broken`.
 */
class UdpSender {
 public:
  UdpSender(int fd, int family, bool gso, UdpCounters& counters);

  /**
   * All packets until the next Begin are of `segmentBytes` but the last, which may be shorter. What is lost is told by tag.
   * They go out from `source` (its port is the socket's), where it is none or no longer ours from what the kernel chooses;
   * to no address: nowhere, and are counted as failed.
   */
  void Begin(const Address& to, const Address& source, size_t segmentBytes, size_t tag);
  void Piece(const void* bytes, size_t count);
  void EndPacket();
  void Flush();

  /** Memory for headers, which stays as it is filled until the next Flush. May flush what was begun before. */
  uint8_t* Scratch(size_t bytes);

  /** To be called before a batch. From then on: tags of which something was not sent, and whether the queue was full. */
  void Reset();
  size_t LostTags() const { return lostTags_; }
  bool QueueWasFull() const { return queueWasFull_; }
  /** An errno, or 0. */
  int Broken() const { return broken_; }
  bool Gso() const { return gso_; }

 private:
  struct Message {
    Address to;
    Address source;
    size_t firstPiece = 0;
    size_t pieces = 0;
    size_t bytes = 0;
    size_t segmentBytes = 0;
    size_t packets = 0;
    size_t tag = 0;
  };
  /** Control data: the source, and the segments' length. */
  struct alignas(cmsghdr) Control {
    uint8_t bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
  };

  void Close();
  void Flatten();
  void Fill(msghdr& header, const Message& message, Control& control);
  static size_t WriteSegment(cmsghdr* segment, size_t segmentBytes);
  void SendAll();
  /** Whether it was dealt with; false: to be tried again. */
  bool Refused(size_t index, int error, int tries);
  bool SendSingly(const Message& message);
  void Sent(const Message& message);
  void Lost(const Message& message, uint64_t& counter, uint64_t packets);

  const int fd_;
  const int family_;
  bool gso_;
  UdpCounters& counters_;

  /** The message that takes the next packet, and the packet that is under way. */
  Message open_;
  size_t packetPiece_ = 0;
  size_t packetBytes_ = 0;

  std::vector<Message> messages_;
  std::vector<iovec> pieces_;
  std::vector<mmsghdr> headers_;
  std::vector<Control> controls_;
  std::unique_ptr<uint8_t[]> scratch_;
  size_t scratchUsed_ = 0;
  std::vector<std::unique_ptr<uint8_t[]>> flattened_;

  size_t lostTags_ = 0;
  size_t lastLostTag_ = SIZE_MAX;
  bool queueWasFull_ = false;
  int broken_ = 0;
};

}  // namespace xfer
