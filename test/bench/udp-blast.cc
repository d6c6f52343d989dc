// The least that can be between two processes on this machine: runs of datagrams by UDP_SEGMENT and sendmmsg, received by
// UDP_GRO and recvmmsg, nothing looked at and nothing acknowledged.
//   udp-blast receive SECONDS          prints its port, then {"packets":…,"bytes":…,"seconds":…} of what came
//   udp-blast send PORT BYTES SECONDS             one buffer over and over
//   udp-blast send PORT BYTES SECONDS gathered    from 24 MiB, each datagram a header and its content, as a protocol sends
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

namespace {

constexpr size_t kMessages = 8;
constexpr size_t kSlot = 65'536;
constexpr int kBuffer = 8 << 20;
/** What a protocol has under way, and its header before each datagram's content. */
constexpr size_t kMemory = 24 << 20;
constexpr size_t kHeaderBytes = 33;

double Now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void Need(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::exit(1);
}

int Open(sockaddr_in& bound) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  Need(fd >= 0, "socket");
  for (const int name : {SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_RCVBUF, SO_SNDBUF}) {
    const bool isForced = name == SO_RCVBUFFORCE || name == SO_SNDBUFFORCE;
    if (isForced || geteuid() != 0) setsockopt(fd, SOL_SOCKET, name, &kBuffer, sizeof kBuffer);
  }
  bound = {};
  bound.sin_family = AF_INET;
  bound.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof bound;
  Need(bind(fd, reinterpret_cast<sockaddr*>(&bound), length) == 0, "bind");
  Need(getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) == 0, "getsockname");
  return fd;
}

void Receive(double seconds) {
  sockaddr_in bound;
  const int fd = Open(bound);
  const int on = 1;
  Need(setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0, "UDP_GRO");
  std::printf("port %d\n", ntohs(bound.sin_port));
  std::fflush(stdout);
  std::vector<char> slab(kMessages * kSlot);
  alignas(cmsghdr) char control[kMessages][CMSG_SPACE(sizeof(int))];
  mmsghdr messages[kMessages] = {};
  iovec slots[kMessages];
  double began = 0;
  double now = 0;
  size_t bytes = 0;
  size_t packets = 0;
  while (began == 0 || now < began + seconds) {
    for (size_t i = 0; i < kMessages; i++) {
      slots[i] = {slab.data() + i * kSlot, kSlot};
      msghdr& header = messages[i].msg_hdr;
      header.msg_iov = &slots[i];
      header.msg_iovlen = 1;
      header.msg_control = control[i];
      header.msg_controllen = sizeof control[i];
    }
    const int count = recvmmsg(fd, messages, kMessages, MSG_WAITFORONE, nullptr);
    Need(count > 0, "recvmmsg");
    now = Now();
    if (began == 0) {
      began = now;
      continue;
    }
    for (int i = 0; i < count; i++) {
      int segment = static_cast<int>(messages[i].msg_len);
      const cmsghdr* const found = CMSG_FIRSTHDR(&messages[i].msg_hdr);
      if (found != nullptr && found->cmsg_type == UDP_GRO) std::memcpy(&segment, CMSG_DATA(found), sizeof segment);
      bytes += messages[i].msg_len;
      packets += (messages[i].msg_len + segment - 1) / segment;
    }
  }
  std::printf("{\"packets\":%zu,\"bytes\":%zu,\"seconds\":%.6f}\n", packets, bytes, now - began);
}

void Send(int port, size_t segmentBytes, double seconds, bool isGathered) {
  sockaddr_in to;
  const int fd = Open(to);
  to.sin_port = htons(static_cast<uint16_t>(port));
  std::vector<char> content(65'507 / segmentBytes * segmentBytes, 7);
  iovec whole = {content.data(), content.size()};
  mmsghdr messages[kMessages] = {};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = {};
  for (mmsghdr& message : messages) {
    msghdr& header = message.msg_hdr;
    header = {&to, sizeof to, &whole, 1, control, sizeof control, 0};
    cmsghdr* const segment = CMSG_FIRSTHDR(&header);
    segment->cmsg_level = SOL_UDP;
    segment->cmsg_type = UDP_SEGMENT;
    segment->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    const auto value = static_cast<uint16_t>(segmentBytes);
    std::memcpy(CMSG_DATA(segment), &value, sizeof value);
  }
  const double end = Now() + seconds;
  if (!isGathered) {
    while (Now() < end) sendmmsg(fd, messages, kMessages, 0);
    return;
  }
  const size_t packets = content.size() / segmentBytes;
  const size_t contentBytes = segmentBytes - kHeaderBytes;
  std::vector<char> headers(kMessages * packets * kHeaderBytes, 1);
  std::vector<char> memory(kMemory + content.size(), 5);
  std::vector<iovec> pieces(kMessages * packets * 2);
  for (size_t at = 0; Now() < end; at = at >= kMemory ? 0 : at) {
    iovec* piece = pieces.data();
    for (size_t i = 0; i < kMessages * packets; i++) {
      if (i % packets == 0) messages[i / packets].msg_hdr.msg_iov = piece;
      *piece++ = {headers.data() + i * kHeaderBytes, kHeaderBytes};
      *piece++ = {memory.data() + at % kMemory, contentBytes};
      at += contentBytes;
    }
    for (mmsghdr& message : messages) message.msg_hdr.msg_iovlen = packets * 2;
    sendmmsg(fd, messages, kMessages, 0);
  }
}

}  // namespace

int main(int count, char** values) {
  if (count == 3 && std::strcmp(values[1], "receive") == 0) {
    Receive(std::atof(values[2]));
  } else if ((count == 5 || count == 6) && std::strcmp(values[1], "send") == 0) {
    Send(std::atoi(values[2]), static_cast<size_t>(std::atoi(values[3])), std::atof(values[4]), count == 6);
  } else {
    return 2;
  }
}
