#pragma once
#include <cstddef>
#include <cstdint>

#include <openssl/evp.h>

#include "wide-gcm.h"

namespace xfer {

/** The numbers of `cipher` in src/native/api.ts. */
enum class Cipher : int { kAes256Gcm = 1, kChaCha20Poly1305 = 2 };

/** The layout of a record, as recordLayout in src/native/api.ts. */
constexpr size_t kKeyBytes = 32;
constexpr size_t kHeaderBytes = 32;
constexpr size_t kTagBytes = 16;
constexpr size_t kLengthBytes = 4;
constexpr size_t kFlagsAt = 2;
constexpr size_t kBodyBytesAt = 4;
constexpr size_t kBodyAt = kLengthBytes + kHeaderBytes + kTagBytes;
constexpr size_t kOverheadBytes = kBodyAt + kTagBytes;
/** OpenSSL counts in int, and the length on the wire is 32 bits. */
constexpr size_t kMaxBodyBytes = size_t{1} << 30;
/** In the header's flags: the body is plain, and the bytes of its tag are zero. */
constexpr uint8_t kPlainBody = 1;

/** A record's key and counter, and whether its body alone is plain; the copy of the key is wiped when this goes away. */
struct RecordKey {
  Cipher cipher = Cipher::kAes256Gcm;
  uint64_t counter = 0;
  bool plain = false;
  uint8_t key[kKeyBytes] = {};

  RecordKey() = default;
  RecordKey(const RecordKey&) = default;
  RecordKey& operator=(const RecordKey&) = default;
  ~RecordKey();
};

/**
 * Seals and opens records, in place unless it says otherwise. One belongs to each thread: it keeps a cipher context for each cipher and
 * direction and the key in it, so a run of records under one key expands that key once.
 */
class Sealer {
 public:
  /** Whether AES-256-GCM goes by WideGcm here, and not by OpenSSL. */
  static bool HasWideGcm();

  Sealer() = default;
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  /** `out[kBodyAt, + bodyBytes)` holds the plain body; afterwards out[0, kOverheadBytes + bodyBytes) is the record. */
  bool Seal(const RecordKey& key, const uint8_t header[kHeaderBytes], uint8_t* out, size_t bodyBytes);

  /** As Seal, of a plain body that stands elsewhere, nowhere in `out`, and stays as it is. */
  bool SealFrom(const RecordKey& key, const uint8_t header[kHeaderBytes], const uint8_t* body, uint8_t* out,
                size_t bodyBytes);

  /** Decrypts the header of a record of which at least kBodyAt bytes are there. False where it or the length does not verify. */
  bool OpenHeader(const RecordKey& key, const uint8_t* record, uint8_t header[kHeaderBytes]);

  /**
   * Decrypts the body of a whole record in place. False where it does not verify; the body is wiped then. Of a plain one nothing can be
   * verified but the header, which says so, and the zeros behind it.
   */
  bool OpenBody(const RecordKey& key, uint8_t* record, size_t recordBytes);

 private:
  enum Direction { kOpen = 0, kSeal = 1 };
  struct Slot {
    EVP_CIPHER_CTX* context = nullptr;
    bool keyed = false;
    uint8_t key[kKeyBytes] = {};
  };
  struct Part {
    uint64_t nonce;
    const uint8_t* associated;
    size_t associatedBytes;
    /** The same as `data`, or memory that does not overlap it. */
    const uint8_t* from;
    uint8_t* data;
    size_t dataBytes;
    uint8_t* tag;
  };

  EVP_CIPHER_CTX* Keyed(const RecordKey& key, Direction direction);
  /** By the fastest way that this processor has. */
  bool Run(const RecordKey& key, Direction direction, const Part& part);
  bool VerifyBody(const RecordKey& key, uint8_t* record, size_t bodyBytes);
  bool IsPlain(const RecordKey& key, const uint8_t* record, size_t bodyBytes);
  bool RunByOpenSsl(EVP_CIPHER_CTX* context, Direction direction, const Part& part);

  Slot slots_[2][2];
#ifdef XFER_HAS_WIDE_GCM
  struct WideSlot {
    WideGcm gcm;
    bool keyed = false;
    uint8_t key[kKeyBytes] = {};
  };

  bool RunWide(const RecordKey& key, Direction direction, const Part& part);

  WideSlot wideSlots_[2];
#endif
};

void PutUint32(uint8_t* at, uint32_t value);
uint32_t Uint32At(const uint8_t* at);

}  // namespace xfer
