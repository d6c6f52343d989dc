#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace xfer {

/** SipHash-2-4 (Aumasson, Bernstein 2012), 64 bits. */
struct SipKey {
  uint64_t first = 0;
  uint64_t second = 0;
};

inline uint64_t LittleEndian64(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

inline SipKey SipKeyOf(const uint8_t* bytes) { return {LittleEndian64(bytes), LittleEndian64(bytes + 8)}; }

class SipState {
 public:
  explicit SipState(const SipKey& key)
      : v0_(key.first ^ 0x736f6d6570736575),
        v1_(key.second ^ 0x646f72616e646f6d),
        v2_(key.first ^ 0x6c7967656e657261),
        v3_(key.second ^ 0x7465646279746573) {}

  void Word(uint64_t word) {
    v3_ ^= word;
    Round();
    Round();
    v0_ ^= word;
  }

  uint64_t Finish() {
    v2_ ^= 0xff;
    for (int i = 0; i < 4; i++) Round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  static uint64_t Rotate(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

  void Round() {
    v0_ += v1_;
    v1_ = Rotate(v1_, 13) ^ v0_;
    v0_ = Rotate(v0_, 32);
    v2_ += v3_;
    v3_ = Rotate(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = Rotate(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = Rotate(v1_, 17) ^ v2_;
    v2_ = Rotate(v2_, 32);
  }

  uint64_t v0_, v1_, v2_, v3_;
};

inline uint64_t SipHash24(const SipKey& key, const uint8_t* bytes, size_t count) {
  SipState state(key);
  const size_t whole = count & ~size_t{7};
  for (size_t at = 0; at < whole; at += 8) state.Word(LittleEndian64(bytes + at));
  uint64_t last = static_cast<uint64_t>(count) << 56;
  for (size_t at = whole; at < count; at++) last |= static_cast<uint64_t>(bytes[at]) << (8 * (at - whole));
  state.Word(last);
  return state.Finish();
}

/** As the paper writes it: little-endian. */
inline void WriteTag(uint8_t* out, uint64_t tag) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  tag = __builtin_bswap64(tag);
#endif
  std::memcpy(out, &tag, sizeof tag);
}

}  // namespace xfer
