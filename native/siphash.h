#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

/** Compiled anew for each processor that `siphash-lanes.h` knows. */
#define XFER_SIP_INLINE __attribute__((always_inline)) inline

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

/** The state of one message, or with a vector for `Word` of as many as that has words. */
template <typename Word = uint64_t>
class SipState {
 public:
  XFER_SIP_INLINE explicit SipState(const SipKey& key)
      : v0_(Word{} + (key.first ^ 0x736f6d6570736575)),
        v1_(Word{} + (key.second ^ 0x646f72616e646f6d)),
        v2_(Word{} + (key.first ^ 0x6c7967656e657261)),
        v3_(Word{} + (key.second ^ 0x7465646279746573)) {}

  XFER_SIP_INLINE void Add(const Word& word) {
    v3_ ^= word;
    Round();
    Round();
    v0_ ^= word;
  }

  XFER_SIP_INLINE void Finish(Word& tag) {
    v2_ ^= Word{} + uint64_t{0xff};
    for (int i = 0; i < 4; i++) Round();
    tag = v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  XFER_SIP_INLINE static void Rotate(Word& value, int bits) { value = value << bits | value >> (64 - bits); }

  XFER_SIP_INLINE void Round() {
    v0_ += v1_;
    Rotate(v1_, 13);
    v1_ ^= v0_;
    Rotate(v0_, 32);
    v2_ += v3_;
    Rotate(v3_, 16);
    v3_ ^= v2_;
    v0_ += v3_;
    Rotate(v3_, 21);
    v3_ ^= v0_;
    v2_ += v1_;
    Rotate(v1_, 17);
    v1_ ^= v2_;
    Rotate(v2_, 32);
  }

  Word v0_, v1_, v2_, v3_;
};

inline uint64_t SipHash24(const SipKey& key, const uint8_t* bytes, size_t count) {
  SipState<> state(key);
  const size_t whole = count & ~size_t{7};
  for (size_t at = 0; at < whole; at += 8) state.Add(LittleEndian64(bytes + at));
  uint64_t last = static_cast<uint64_t>(count) << 56;
  for (size_t at = whole; at < count; at++) last |= static_cast<uint64_t>(bytes[at]) << (8 * (at - whole));
  state.Add(last);
  uint64_t tag;
  state.Finish(tag);
  return tag;
}

/** Tags are written so, as the paper has them. */
inline void StoreLittleEndian64(uint8_t* out, uint64_t value) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  std::memcpy(out, &value, sizeof value);
}

}  // namespace xfer
