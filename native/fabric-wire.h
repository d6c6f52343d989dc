#pragma once
#include <cstddef>
#include <cstdint>

namespace xfer::fabric {

/** What every message begins with, big-endian. The head, which is the caller's, follows, then the content. */
constexpr size_t kHeaderBytes = 16;
constexpr size_t kMaxHeadBytes = 64;
/** The message carries nothing but credit: it is the header alone. */
constexpr uint16_t kCreditOnly = 0x0001;

/** Of a tag: 56 random bits of the receiving endpoint, then which of its two sizes of buffers. */
constexpr uint64_t kSmallTag = 1;
constexpr uint64_t kLargeTag = 2;
constexpr unsigned kTagShift = 8;

struct Header {
  /** From 0, of one direction; every message counts. Wraps. */
  uint32_t sequence = 0;
  /** Receive buffers granted by the sender of this message since the beginning, the initial ones included. Wrap. */
  uint32_t smallGranted = 0;
  uint32_t largeGranted = 0;
  uint16_t flags = 0;
  uint16_t headBytes = 0;
};

inline void PutNumber(uint8_t* to, uint32_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) to[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
}

inline uint32_t NumberAt(const uint8_t* from, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | from[i];
  return value;
}

inline void WriteHeader(uint8_t* to, const Header& header) {
  PutNumber(to, header.sequence, 4);
  PutNumber(to + 4, header.smallGranted, 4);
  PutNumber(to + 8, header.largeGranted, 4);
  PutNumber(to + 12, header.flags, 2);
  PutNumber(to + 14, header.headBytes, 2);
}

/** Of at least kHeaderBytes. */
inline Header ReadHeader(const uint8_t* from) {
  Header header;
  header.sequence = NumberAt(from, 4);
  header.smallGranted = NumberAt(from + 4, 4);
  header.largeGranted = NumberAt(from + 8, 4);
  header.flags = static_cast<uint16_t>(NumberAt(from + 12, 2));
  header.headBytes = static_cast<uint16_t>(NumberAt(from + 14, 2));
  return header;
}

}  // namespace xfer::fabric
