#include "udp-sender.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace xfer {

namespace {

/** Past these a batch is sent before more is queued: what one call of sendmmsg is given, and what the loop may wait for it. */
constexpr size_t kMaxMessages = 64;
constexpr size_t kMaxPieces = 16'384;
constexpr size_t kScratchBytes = size_t{1} << 17;
/** UIO_MAXIOV: more in one message are EMSGSIZE. */
constexpr size_t kMaxMessagePieces = 1024;
/** An error may be that of another packet, which ICMP brought back (IP_RECVERR): each is taken away by the call it ends. */
constexpr int kMaxTries = 3;

/** Of the socket itself. What ICMP can bring (EOPNOTSUPP is type 3, code 5) is not among them: it may be forged. */
bool IsFatal(int error) {
  return error == EBADF || error == ENOTSOCK || error == EFAULT || error == EPIPE;
}

/** Perhaps: the source that a message asked for is no longer an address of this machine. IPv4 says ENETUNREACH. */
bool IsSourceGone(int error) { return error == EINVAL || error == EADDRNOTAVAIL || error == ENETUNREACH; }

bool IsQueueFull(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

/** As in6_pktinfo where the socket is of IPv6, for its IPv4 traffic, too (ip_cmsg_send of Linux takes it so). */
size_t WriteSource(cmsghdr* out, const Address& source, int family) {
  if (family != AF_INET6) {
    in_pktinfo info = {};
    info.ipi_spec_dst = source.v4.sin_addr;
    out->cmsg_level = SOL_IP;
    out->cmsg_type = IP_PKTINFO;
    out->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(out), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  in6_pktinfo info = {};
  info.ipi6_addr = source.v6.sin6_addr;
  info.ipi6_ifindex = source.v6.sin6_scope_id;
  out->cmsg_level = SOL_IPV6;
  out->cmsg_type = IPV6_PKTINFO;
  out->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(out), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

}  // namespace

UdpSender::UdpSender(int fd, int family, bool gso, UdpCounters& counters)
    : fd_(fd),
      family_(family),
      gso_(gso),
      counters_(counters),
      headers_(kMaxMessages),
      controls_(kMaxMessages),
      scratch_(new uint8_t[kScratchBytes]) {
  messages_.reserve(kMaxMessages);
}

void UdpSender::Reset() {
  lostTags_ = 0;
  lastLostTag_ = SIZE_MAX;
  queueWasFull_ = false;
}

uint8_t* UdpSender::Scratch(size_t bytes) {
  if (scratchUsed_ + bytes > kScratchBytes) Flush();
  uint8_t* const result = scratch_.get() + scratchUsed_;
  scratchUsed_ += bytes;
  return result;
}

void UdpSender::Begin(const Address& to, const Address& source, size_t segmentBytes, size_t tag) {
  Close();
  open_.to = to.ForFamily(family_);
  open_.source = source.ForFamily(family_);
  open_.segmentBytes = segmentBytes;
  open_.tag = tag;
}

void UdpSender::Piece(const void* bytes, size_t count) {
  if (count == 0) return;
  pieces_.push_back({const_cast<void*>(bytes), count});
  packetBytes_ += count;
}

void UdpSender::EndPacket() {
  if (pieces_.size() - packetPiece_ > kMaxMessagePieces) Flatten();
  const size_t added = pieces_.size() - packetPiece_;
  const bool fits = gso_ && open_.packets < kMaxSegments && open_.bytes + packetBytes_ <= kMaxMessageBytes &&
                    open_.pieces + added <= kMaxMessagePieces;
  if (!fits) Close();
  if (open_.packets == 0) open_.firstPiece = packetPiece_;
  open_.packets++;
  open_.pieces += added;
  open_.bytes += packetBytes_;
  packetPiece_ = pieces_.size();
  packetBytes_ = 0;
}

/** More pieces than one message can have: copied into one. */
void UdpSender::Flatten() {
  std::unique_ptr<uint8_t[]> whole(new uint8_t[packetBytes_]);
  uint8_t* at = whole.get();
  for (size_t i = packetPiece_; i < pieces_.size(); i++) {
    std::memcpy(at, pieces_[i].iov_base, pieces_[i].iov_len);
    at += pieces_[i].iov_len;
  }
  pieces_.resize(packetPiece_);
  pieces_.push_back({whole.get(), packetBytes_});
  flattened_.push_back(std::move(whole));
}

/** Queues the open message. The packet under way, if any, stays out: it is the next one's. */
void UdpSender::Close() {
  if (open_.packets == 0) return;
  messages_.push_back(open_);
  open_.packets = open_.pieces = open_.bytes = 0;
  const bool isBetweenPackets = packetPiece_ == pieces_.size();
  if (messages_.size() >= kMaxMessages || (isBetweenPackets && pieces_.size() >= kMaxPieces)) SendAll();
}

void UdpSender::Flush() {
  Close();
  SendAll();
  scratchUsed_ = 0;
}

/** `header` points into `message`, the pieces and `control` from then on. */
void UdpSender::Fill(msghdr& header, const Message& message, Control& control) {
  header = {};
  header.msg_name = const_cast<sockaddr*>(&message.to.any);
  header.msg_namelen = message.to.Length();
  header.msg_iov = pieces_.data() + message.firstPiece;
  header.msg_iovlen = message.pieces;
  size_t used = 0;
  if (!message.source.IsNone())
    used = WriteSource(reinterpret_cast<cmsghdr*>(control.bytes), message.source, family_);
  if (message.packets > 1) used += WriteSegment(reinterpret_cast<cmsghdr*>(control.bytes + used), message.segmentBytes);
  if (used == 0) return;
  header.msg_control = control.bytes;
  header.msg_controllen = used;
}

size_t UdpSender::WriteSegment(cmsghdr* segment, size_t segmentBytes) {
  segment->cmsg_level = SOL_UDP;
  segment->cmsg_type = UDP_SEGMENT;
  segment->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  const auto bytes = static_cast<uint16_t>(segmentBytes);
  std::memcpy(CMSG_DATA(segment), &bytes, sizeof bytes);
  return CMSG_SPACE(sizeof bytes);
}

void UdpSender::SendAll() {
  for (size_t i = 0; i < messages_.size(); i++) Fill(headers_[i].msg_hdr, messages_[i], controls_[i]);
  size_t next = 0;
  int tries = 0;
  while (next < messages_.size()) {
    if (queueWasFull_ || broken_ != 0) {
      Lost(messages_[next], queueWasFull_ ? counters_.packetsDropped : counters_.packetsFailed, messages_[next].packets);
      next++;
      continue;
    }
    if (messages_[next].to.IsNone()) {
      Lost(messages_[next], counters_.packetsFailed, messages_[next].packets);
      next++;
      continue;
    }
    const auto count = static_cast<unsigned>(messages_.size() - next);
    const int sent = sendmmsg(fd_, &headers_[next], count, MSG_DONTWAIT);
    if (sent > 0) {
      counters_.batchesSent++;
      for (int i = 0; i < sent; i++) Sent(messages_[next++]);
      tries = 0;
    } else if (Refused(next, errno, ++tries)) {
      next++;
      tries = 0;
    }
  }
  // A packet under way has its pieces in front from now on.
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(packetPiece_));
  packetPiece_ = 0;
  messages_.clear();
  if (pieces_.empty()) flattened_.clear();
}

bool UdpSender::Refused(size_t index, int error, int tries) {
  Message& message = messages_[index];
  if (error == EINTR) return false;
  if (IsQueueFull(error)) {
    queueWasFull_ = true;
    return false;
  }
  if (IsFatal(error)) {
    broken_ = error;
    return false;
  }
  // A device without checksums says EIO, for all that goes there; EINVAL is these packets', as when they are too long.
  if (message.packets > 1 && (error == EIO || error == EINVAL)) {
    if (SendSingly(message) && error == EIO) gso_ = false;
    return true;
  }
  if (IsSourceGone(error) && !message.source.IsNone()) {
    message.source = Address();
    Fill(headers_[index].msg_hdr, message, controls_[index]);
    return false;
  }
  if (tries < kMaxTries) return false;
  Lost(message, counters_.packetsFailed, message.packets);
  return true;
}

/** Whether the kernel took any of them so. */
bool UdpSender::SendSingly(const Message& message) {
  size_t piece = message.firstPiece;
  size_t left = message.bytes;
  bool any = false;
  while (left > 0 && !queueWasFull_ && broken_ == 0) {
    Message single = message;
    single.packets = 1;
    single.firstPiece = piece;
    single.bytes = std::min(left, message.segmentBytes);
    single.pieces = 0;
    for (size_t bytes = 0; bytes < single.bytes; piece++, single.pieces++) bytes += pieces_[piece].iov_len;
    ssize_t sent;
    int tries = 0;
    do {
      if (tries > 0 && IsSourceGone(errno)) single.source = Address();
      msghdr header;
      Control control;
      Fill(header, single, control);
      sent = sendmsg(fd_, &header, MSG_DONTWAIT);
    } while (sent < 0 && !IsQueueFull(errno) && !IsFatal(errno) && ++tries < kMaxTries);
    left -= single.bytes;
    const uint64_t rest = 1 + (left + message.segmentBytes - 1) / message.segmentBytes;
    if (sent >= 0) {
      any = true;
      counters_.batchesSent++;
      Sent(single);
    } else if (IsQueueFull(errno)) {
      queueWasFull_ = true;
      Lost(single, counters_.packetsDropped, rest);
    } else if (IsFatal(errno)) {
      broken_ = errno;
      Lost(single, counters_.packetsFailed, rest);
    } else {
      Lost(single, counters_.packetsFailed, 1);
    }
  }
  return any;
}

void UdpSender::Sent(const Message& message) {
  counters_.packetsSent += message.packets;
  counters_.bytesSent += message.bytes;
}

void UdpSender::Lost(const Message& message, uint64_t& counter, uint64_t packets) {
  counter += packets;
  if (message.tag != lastLostTag_) lostTags_++;
  lastLostTag_ = message.tag;
}

}  // namespace xfer
