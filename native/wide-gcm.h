#pragma once
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && defined(__linux__) && (defined(__clang__) || __GNUC__ >= 9)
#define XFER_HAS_WIDE_GCM 1

namespace xfer {

/** A message of AES-GCM (NIST SP 800-38D) with a nonce of 96 bits. */
struct GcmMessage {
  const uint8_t* nonce;
  const uint8_t* associated;
  /** WideGcm::kMostAssociatedBytes at most. */
  size_t associatedBytes;
  const uint8_t* from;
  /** The same as `from`, or memory that does not overlap it. */
  uint8_t* to;
  /** WideGcm::kMostBytes at most. */
  size_t bytes;
};

/**
 * AES-256-GCM by VAES and VPCLMULQDQ on registers of 512 bits, which OpenSSL knows from 3.1 on, and Node 20 has 3.0. No step depends
 * on what is secret but by instructions that take the same time for all of it. One key at a time, one thread at a time.
 */
class WideGcm {
 public:
  static constexpr size_t kKeyBytes = 32;
  static constexpr size_t kTagBytes = 16;
  static constexpr size_t kMostAssociatedBytes = 64;
  /** The counter of a message has 32 bits; far less than it could be. */
  static constexpr size_t kMostBytes = size_t{1} << 31;

  /**
   * Whether this processor has what it takes, and gets the same as OpenSSL; false with XFER_GCM=openssl. Nothing else may be called
   * where it is false.
   */
  static bool IsHere();

  WideGcm() = default;
  ~WideGcm();
  WideGcm(const WideGcm&) = delete;
  WideGcm& operator=(const WideGcm&) = delete;

  void SetKey(const uint8_t key[kKeyBytes]);
  void Encrypt(const GcmMessage& message, uint8_t tag[kTagBytes]) const;
  /** Decrypts whatever comes; `tag` is what it should have been, which is for the caller to compare. */
  void Decrypt(const GcmMessage& message, uint8_t tag[kTagBytes]) const;

 private:
  static constexpr size_t kRoundKeys = 15;
  /** Blocks of which the products are added up before they are reduced. */
  static constexpr size_t kPowers = 32;

  /** What is behind the powers are zeros, for fewer blocks than fill a register. */
  struct alignas(64) Schedule {
    uint8_t roundKeys[kRoundKeys][16];
    uint8_t powers[kPowers + 3][16];
  };

  template <bool kIsSealing>
  void Run(const GcmMessage& message, uint8_t tag[kTagBytes]) const;

  Schedule schedule_ = {};
};

}  // namespace xfer
#endif
