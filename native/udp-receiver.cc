#include "udp-receiver.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace xfer {

namespace {

/** A batch of long messages is cut here: what is read is still in the second-level cache when it is used. */
constexpr size_t kLongMessages = 8;
constexpr size_t kLongBytes = 16'384;

int IntOf(const cmsghdr* header) {
  int value = 0;
  std::memcpy(&value, CMSG_DATA(header), std::min(header->cmsg_len - CMSG_LEN(0), sizeof value));
  return value;
}

}  // namespace

UdpReceiver::UdpReceiver(int fd, size_t most, UdpCounters& counters)
    : fd_(fd),
      most_(std::min(most, kSlots)),
      counters_(counters),
      headers_(kSlots),
      slots_(kSlots),
      controls_(kSlots),
      sources_(kSlots) {
  for (size_t i = 0; i < kSlots; i++) {
    msghdr& header = headers_[i].msg_hdr;
    header.msg_name = &sources_[i];
    header.msg_iov = &slots_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i].bytes;
  }
}

void UdpReceiver::SetSlab(uint8_t* slab) {
  if (slab == slab_) return;
  slab_ = slab;
  for (size_t i = 0; i < kSlots; i++) slots_[i] = {slab + i * kSlotBytes, kSlotBytes};
}

int UdpReceiver::Receive() {
  const size_t wanted = wereLong_ ? std::min(most_ - count_, kLongMessages) : most_ - count_;
  for (size_t i = count_; i < count_ + wanted; i++) {
    headers_[i].msg_hdr.msg_namelen = sizeof(sockaddr_in6);
    headers_[i].msg_hdr.msg_controllen = sizeof(Control);
  }
  const int received = recvmmsg(fd_, &headers_[count_], static_cast<unsigned>(wanted), MSG_DONTWAIT, nullptr);
  if (received < 0) return errno == EWOULDBLOCK ? EAGAIN : errno;
  const size_t first = count_;
  count_ += static_cast<size_t>(received);
  size_t bytes = 0;
  for (size_t i = first; i < count_; i++) {
    const ReceivedMessage message = At(i);
    bytes += message.bytes;
    counters_.packetsReceived += std::max<size_t>(1, (message.bytes + message.segmentBytes - 1) / message.segmentBytes);
  }
  counters_.bytesReceived += bytes;
  counters_.batchesReceived++;
  wereLong_ = bytes > static_cast<size_t>(received) * kLongBytes;
  if (static_cast<size_t>(received) < wanted) return EAGAIN;
  counters_.fullBatches++;
  return 0;
}

ReceivedMessage UdpReceiver::At(size_t index) const {
  ReceivedMessage message;
  message.at = index * kSlotBytes;
  message.bytes = headers_[index].msg_len;
  message.segmentBytes = std::max<size_t>(message.bytes, 1);
  message.from = &sources_[index];
  auto* const header = const_cast<msghdr*>(&headers_[index].msg_hdr);
  for (cmsghdr* control = CMSG_FIRSTHDR(header); control != nullptr; control = CMSG_NXTHDR(header, control)) {
    const int level = control->cmsg_level;
    const int type = control->cmsg_type;
    if (level == SOL_UDP && type == UDP_GRO) {
      message.segmentBytes = static_cast<size_t>(std::max(IntOf(control), 1));
    } else if ((level == SOL_IP && type == IP_TOS) || (level == SOL_IPV6 && type == IPV6_TCLASS)) {
      message.ecn = (level == SOL_IP ? *CMSG_DATA(control) : IntOf(control)) & 3;
    } else if (level == SOL_IP && type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(control), sizeof info);
      message.local = Address::LocalFromKernel(info.ipi_spec_dst);
    } else if (level == SOL_IPV6 && type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(control), sizeof info);
      message.local = Address::LocalFromKernel(info.ipi6_addr, info.ipi6_ifindex);
    }
  }
  return message;
}

void UdpReceiver::Clear() { count_ = 0; }

}  // namespace xfer
