#include <cstring>

#include "arguments.h"

namespace xfer {

namespace {

/** Nonces are 2n and 2n + 1, kept below 2^53. */
constexpr uint64_t kMaxCounter = (uint64_t{1} << 52) - 1;

}  // namespace

RecordKey Arguments::Key(size_t index) {
  RecordKey key;
  const uint64_t cipher = Integer(index, "cipher", 2);
  if (ok_ && cipher == 0) OutOfRange("cipher must be 1 or 2");
  size_t bytes = 0;
  const uint8_t* const data = Bytes(index + 1, "key", bytes);
  if (ok_ && bytes != kKeyBytes) OutOfRange("key must be 32 bytes");
  const uint64_t counter = Integer(index + 2, "counter", kMaxCounter);
  const bool plain = Flag(index + 3, "plain");
  if (!ok_) return key;
  key.cipher = static_cast<Cipher>(cipher);
  key.counter = counter;
  key.plain = plain;
  std::memcpy(key.key, data, kKeyBytes);
  return key;
}

}  // namespace xfer
