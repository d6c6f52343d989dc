#include "sealer.h"

#include <algorithm>
#include <cstring>

#include <openssl/crypto.h>
#include <openssl/err.h>

namespace xfer {

namespace {

constexpr size_t kNonceBytes = 12;

void PutNonce(uint8_t nonce[kNonceBytes], uint64_t number) {
  std::memset(nonce, 0, 4);
  for (int i = 0; i < 8; i++) nonce[4 + i] = static_cast<uint8_t>(number >> (56 - 8 * i));
}

const EVP_CIPHER* Algorithm(Cipher cipher) {
  return cipher == Cipher::kAes256Gcm ? EVP_aes_256_gcm() : EVP_chacha20_poly1305();
}

}  // namespace

void PutUint32(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}

uint32_t Uint32At(const uint8_t* at) {
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | uint32_t{at[3]};
}

RecordKey::~RecordKey() { OPENSSL_cleanse(key, sizeof key); }

bool Sealer::HasWideGcm() {
#ifdef XFER_HAS_WIDE_GCM
  return WideGcm::IsHere();
#else
  return false;
#endif
}

Sealer::~Sealer() {
  for (auto& directions : slots_) {
    for (Slot& slot : directions) {
      EVP_CIPHER_CTX_free(slot.context);  // wipes the key schedule
      OPENSSL_cleanse(slot.key, sizeof slot.key);
    }
  }
#ifdef XFER_HAS_WIDE_GCM
  for (WideSlot& slot : wideSlots_) OPENSSL_cleanse(slot.key, sizeof slot.key);
#endif
}

bool Sealer::Seal(const RecordKey& key, const uint8_t header[kHeaderBytes], uint8_t* out, size_t bodyBytes) {
  return SealFrom(key, header, out + kBodyAt, out, bodyBytes);
}

bool Sealer::SealFrom(const RecordKey& key, const uint8_t header[kHeaderBytes], const uint8_t* from, uint8_t* out,
                      size_t bodyBytes) {
  PutUint32(out, static_cast<uint32_t>(kBodyAt - kLengthBytes + bodyBytes + kTagBytes));
  uint8_t* sealedHeader = out + kLengthBytes;
  std::memcpy(sealedHeader, header, kHeaderBytes);
  PutUint32(sealedHeader + kBodyBytesAt, static_cast<uint32_t>(bodyBytes));
  if (key.plain) sealedHeader[kFlagsAt] |= kPlainBody;
  const Part head{2 * key.counter, out,          kLengthBytes,               sealedHeader,
                  sealedHeader,    kHeaderBytes, sealedHeader + kHeaderBytes};
  const Part body{2 * key.counter + 1, sealedHeader, kHeaderBytes + kTagBytes, from,
                  out + kBodyAt,       bodyBytes,    out + kBodyAt + bodyBytes};
  if (!Run(key, kSeal, head)) return false;
  if (!key.plain) return Run(key, kSeal, body);
  if (body.from != body.data && bodyBytes > 0) std::memcpy(body.data, body.from, bodyBytes);
  std::memset(body.tag, 0, kTagBytes);
  return true;
}

bool Sealer::OpenHeader(const RecordKey& key, const uint8_t* record, uint8_t header[kHeaderBytes]) {
  std::memcpy(header, record + kLengthBytes, kHeaderBytes);
  uint8_t tag[kTagBytes];
  std::memcpy(tag, record + kLengthBytes + kHeaderBytes, kTagBytes);
  const Part head{2 * key.counter, record, kLengthBytes, header, header, kHeaderBytes, tag};
  // Both lengths are authenticated; a sender that seals two different ones is no xfer.
  const bool ok = Run(key, kOpen, head) &&
                  Uint32At(record) == kOverheadBytes - kLengthBytes + Uint32At(header + kBodyBytesAt);
  if (!ok) OPENSSL_cleanse(header, kHeaderBytes);
  return ok;
}

bool Sealer::OpenBody(const RecordKey& key, uint8_t* record, size_t recordBytes) {
  if (recordBytes < kOverheadBytes || recordBytes - kOverheadBytes > kMaxBodyBytes) return false;
  const size_t bodyBytes = recordBytes - kOverheadBytes;
  const bool isWhole = Uint32At(record) == recordBytes - kLengthBytes;
  if (isWhole && (key.plain ? IsPlain(key, record, bodyBytes) : VerifyBody(key, record, bodyBytes))) return true;
  OPENSSL_cleanse(record + kBodyAt, bodyBytes);  // nobody may see what was not verified
  return false;
}

bool Sealer::VerifyBody(const RecordKey& key, uint8_t* record, size_t bodyBytes) {
  const Part body{2 * key.counter + 1, record + kLengthBytes, kHeaderBytes + kTagBytes, record + kBodyAt,
                  record + kBodyAt,    bodyBytes,             record + kBodyAt + bodyBytes};
  return Run(key, kOpen, body);
}

bool Sealer::IsPlain(const RecordKey& key, const uint8_t* record, size_t bodyBytes) {
  uint8_t header[kHeaderBytes];
  if (!OpenHeader(key, record, header) || (header[kFlagsAt] & kPlainBody) == 0) return false;
  const uint8_t* const tag = record + kBodyAt + bodyBytes;
  return std::all_of(tag, tag + kTagBytes, [](uint8_t byte) { return byte == 0; });
}

EVP_CIPHER_CTX* Sealer::Keyed(const RecordKey& key, Direction direction) {
  Slot& slot = slots_[static_cast<int>(key.cipher) - 1][direction];
  if (slot.context == nullptr) {
    slot.context = EVP_CIPHER_CTX_new();
    if (slot.context == nullptr) return nullptr;
    if (EVP_CipherInit_ex(slot.context, Algorithm(key.cipher), nullptr, nullptr, nullptr, direction) != 1) {
      EVP_CIPHER_CTX_free(slot.context);
      slot.context = nullptr;
      ERR_clear_error();
      return nullptr;
    }
  }
  if (slot.keyed && CRYPTO_memcmp(slot.key, key.key, kKeyBytes) == 0) return slot.context;
  slot.keyed = EVP_CipherInit_ex(slot.context, nullptr, nullptr, key.key, nullptr, direction) == 1;
  if (!slot.keyed) {
    ERR_clear_error();
    return nullptr;
  }
  std::memcpy(slot.key, key.key, kKeyBytes);
  return slot.context;
}

bool Sealer::Run(const RecordKey& key, Direction direction, const Part& part) {
#ifdef XFER_HAS_WIDE_GCM
  if (key.cipher == Cipher::kAes256Gcm && WideGcm::IsHere()) return RunWide(key, direction, part);
#endif
  EVP_CIPHER_CTX* const context = Keyed(key, direction);
  return context != nullptr && RunByOpenSsl(context, direction, part);
}

#ifdef XFER_HAS_WIDE_GCM
bool Sealer::RunWide(const RecordKey& key, Direction direction, const Part& part) {
  WideSlot& slot = wideSlots_[direction];
  if (!slot.keyed || CRYPTO_memcmp(slot.key, key.key, kKeyBytes) != 0) {
    slot.gcm.SetKey(key.key);
    std::memcpy(slot.key, key.key, kKeyBytes);
    slot.keyed = true;
  }
  uint8_t nonce[kNonceBytes];
  PutNonce(nonce, part.nonce);
  const GcmMessage message{nonce, part.associated, part.associatedBytes, part.from, part.data, part.dataBytes};
  if (direction == kSeal) {
    slot.gcm.Encrypt(message, part.tag);
    return true;
  }
  uint8_t expected[kTagBytes];
  slot.gcm.Decrypt(message, expected);
  const bool ok = CRYPTO_memcmp(expected, part.tag, kTagBytes) == 0;
  OPENSSL_cleanse(expected, sizeof expected);
  return ok;
}
#endif

bool Sealer::RunByOpenSsl(EVP_CIPHER_CTX* context, Direction direction, const Part& part) {
  uint8_t nonce[kNonceBytes];
  PutNonce(nonce, part.nonce);
  int written = 0;
  uint8_t end[kTagBytes];
  bool ok = EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce, direction) == 1;
  if (direction == kOpen) {
    ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, part.tag) == 1;
  }
  ok = ok && EVP_CipherUpdate(context, nullptr, &written, part.associated, static_cast<int>(part.associatedBytes)) == 1;
  if (part.dataBytes > 0) {
    ok = ok && EVP_CipherUpdate(context, part.data, &written, part.from, static_cast<int>(part.dataBytes)) == 1;
  }
  ok = ok && EVP_CipherFinal_ex(context, end, &written) == 1;
  if (direction == kSeal) {
    ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, part.tag) == 1;
  }
  if (!ok) ERR_clear_error();
  return ok;
}

}  // namespace xfer
