#include "wide-gcm.h"

#ifdef XFER_HAS_WIDE_GCM
#include <cpuid.h>
#include <immintrin.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

// GCC's own headers begin registers with what they then overwrite.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

/** Only for processors that were asked for these before. */
#define XFER_WIDE __attribute__((target("avx512f,avx512bw,avx512vl,vaes,vpclmulqdq,aes,pclmul,ssse3,sse4.1")))
#define XFER_WIDE_INLINE XFER_WIDE __attribute__((always_inline)) inline

namespace xfer {

namespace {

constexpr size_t kBlockBytes = 16;
/** A register has four blocks. */
constexpr size_t kWideBytes = 64;
/** Registers that are worked on at once, so that none waits for the one before. */
constexpr size_t kAtOnce = 8;
constexpr size_t kStepBytes = kAtOnce * kWideBytes;

/** Products that are not reduced yet: of low halves, of high halves, and of one with the other. */
struct Products {
  __m512i low;
  __m512i middle;
  __m512i high;
};

XFER_WIDE_INLINE __m128i Reversed(__m128i block) {
  return _mm_shuffle_epi8(block, _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

XFER_WIDE_INLINE __m512i ReversedEach(__m512i blocks) {
  const __m128i order = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm512_shuffle_epi8(blocks, _mm512_broadcast_i32x4(order));
}

/** The bits of a register's first so many bytes. */
XFER_WIDE_INLINE __mmask64 FirstBytes(size_t bytes) {
  return bytes >= kWideBytes ? ~__mmask64{0} : (__mmask64{1} << bytes) - 1;
}

/** Montgomery's reduction modulo x^128 + x^127 + x^126 + x^121 + 1 (RFC 8452, appendix A; Gueron). */
XFER_WIDE_INLINE __m512i Reduced(const Products& sums) {
  const __m512i polynomial = _mm512_set1_epi64(static_cast<long long>(0xc200000000000000));
  __m512i low = _mm512_xor_si512(sums.low, _mm512_bslli_epi128(sums.middle, 8));
  const __m512i high = _mm512_xor_si512(sums.high, _mm512_bsrli_epi128(sums.middle, 8));
  for (int fold = 0; fold < 2; fold++) {
    const __m512i folded = _mm512_clmulepi64_epi128(low, polynomial, 0x00);
    low = _mm512_xor_si512(_mm512_shuffle_epi32(low, _MM_PERM_BADC), folded);
  }
  return _mm512_xor_si512(high, low);
}

/** `into` and the products of the blocks of both. */
XFER_WIDE_INLINE void Add(Products& into, __m512i blocks, __m512i powers) {
  const __m512i one = _mm512_clmulepi64_epi128(blocks, powers, 0x01);
  const __m512i other = _mm512_clmulepi64_epi128(blocks, powers, 0x10);
  into.low = _mm512_xor_si512(into.low, _mm512_clmulepi64_epi128(blocks, powers, 0x00));
  into.high = _mm512_xor_si512(into.high, _mm512_clmulepi64_epi128(blocks, powers, 0x11));
  into.middle = _mm512_ternarylogic_epi64(into.middle, one, other, 0x96);
}

XFER_WIDE_INLINE Products None() {
  return {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
}

/** The four of them added up. */
XFER_WIDE_INLINE __m128i Folded(__m512i blocks) {
  const __m256i two = _mm256_xor_si256(_mm512_castsi512_si256(blocks), _mm512_extracti64x4_epi64(blocks, 1));
  return _mm_xor_si128(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
}

XFER_WIDE_INLINE __m128i Product(__m128i one, __m128i other) {
  Products product = None();
  Add(product, _mm512_zextsi128_si512(one), _mm512_zextsi128_si512(other));
  return _mm512_castsi512_si128(Reduced(product));
}

/** POLYVAL's key for a key of GHASH, both as integers: RFC 8452, appendix A. */
XFER_WIDE_INLINE __m128i TimesX(__m128i value) {
  const __m128i carries = _mm_srli_epi64(value, 63);
  const __m128i shifted = _mm_or_si128(_mm_slli_epi64(value, 1), _mm_slli_si128(carries, 8));
  const __m128i isOver = _mm_sub_epi64(_mm_setzero_si128(), _mm_unpackhi_epi64(carries, carries));
  const __m128i polynomial = _mm_set_epi64x(static_cast<long long>(0xc200000000000000), 1);
  return _mm_xor_si128(shifted, _mm_and_si128(isOver, polynomial));
}

template <int kConstant>
XFER_WIDE_INLINE __m128i NextRoundKey(__m128i before, __m128i last) {
  const __m128i mixed = kConstant != 0 ? _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, kConstant), 0xff)
                                       : _mm_shuffle_epi32(_mm_aeskeygenassist_si128(last, 0), 0xaa);
  __m128i next = _mm_xor_si128(before, _mm_slli_si128(before, 4));
  next = _mm_xor_si128(next, _mm_slli_si128(next, 8));
  return _mm_xor_si128(next, mixed);
}

/** FIPS 197, 5.2. */
XFER_WIDE void ExpandKey(const uint8_t key[32], __m128i out[15]) {
  out[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
  out[1] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key + kBlockBytes));
  out[2] = NextRoundKey<0x01>(out[0], out[1]);
  out[3] = NextRoundKey<0>(out[1], out[2]);
  out[4] = NextRoundKey<0x02>(out[2], out[3]);
  out[5] = NextRoundKey<0>(out[3], out[4]);
  out[6] = NextRoundKey<0x04>(out[4], out[5]);
  out[7] = NextRoundKey<0>(out[5], out[6]);
  out[8] = NextRoundKey<0x08>(out[6], out[7]);
  out[9] = NextRoundKey<0>(out[7], out[8]);
  out[10] = NextRoundKey<0x10>(out[8], out[9]);
  out[11] = NextRoundKey<0>(out[9], out[10]);
  out[12] = NextRoundKey<0x20>(out[10], out[11]);
  out[13] = NextRoundKey<0>(out[11], out[12]);
  out[14] = NextRoundKey<0x40>(out[12], out[13]);
}

XFER_WIDE_INLINE __m512i WideKey(const uint8_t (*roundKeys)[16], size_t round) {
  return _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(roundKeys[round])));
}

XFER_WIDE_INLINE __m512i Wide(const uint8_t* at) { return _mm512_loadu_si512(at); }

/** To compare the two, and for whoever trusts OpenSSL alone. */
bool IsSwitchedOff() {
  const char* const wanted = std::getenv("XFER_GCM");
  return wanted != nullptr && std::strcmp(wanted, "openssl") == 0;
}

bool HasInstructions() {
  unsigned int eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  const bool isWide = (ecx & bit_VAES) != 0 && (ecx & bit_VPCLMULQDQ) != 0;
  // These ask the system, too, whether it keeps such registers.
  return isWide && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
}

bool EncryptedByOpenSsl(const uint8_t* key, const GcmMessage& message, uint8_t* tag) {
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  const int bytes = static_cast<int>(message.bytes);
  int written = 0;
  const bool ok =
      context != nullptr && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nullptr, key, message.nonce) == 1 &&
      EVP_EncryptUpdate(context, nullptr, &written, message.associated, static_cast<int>(message.associatedBytes)) == 1 &&
      EVP_EncryptUpdate(context, message.to, &written, message.from, bytes) == 1 &&
      EVP_EncryptFinal_ex(context, message.to + bytes, &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, WideGcm::kTagBytes, tag) == 1;
  EVP_CIPHER_CTX_free(context);
  if (!ok) ERR_clear_error();
  return ok;
}

/** A message of each kind of length: whole steps, whole registers, and what is left. */
bool IsAsOpenSsl() {
  uint8_t pattern[64];
  for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = static_cast<uint8_t>(0x9d * i + 0x35);
  const uint8_t* const key = pattern + 16;
  WideGcm gcm;
  gcm.SetKey(key);
  for (const size_t bytes : {size_t{1}, kBlockBytes, 3 * kWideBytes, 3 * kStepBytes + 2 * kWideBytes + 17}) {
    std::vector<uint8_t> plain(bytes), sealed(bytes), expected(bytes);
    for (size_t i = 0; i < bytes; i++) plain[i] = static_cast<uint8_t>(i * i + bytes);
    const size_t associatedBytes = 4 + bytes % 45;
    const GcmMessage reference{pattern, pattern, associatedBytes, plain.data(), expected.data(), bytes};
    uint8_t tag[WideGcm::kTagBytes], expectedTag[WideGcm::kTagBytes], openedTag[WideGcm::kTagBytes];
    if (!EncryptedByOpenSsl(key, reference, expectedTag)) return false;
    gcm.Encrypt({pattern, pattern, associatedBytes, plain.data(), sealed.data(), bytes}, tag);
    if (sealed != expected || std::memcmp(tag, expectedTag, sizeof tag) != 0) return false;
    gcm.Decrypt({pattern, pattern, associatedBytes, sealed.data(), sealed.data(), bytes}, openedTag);
    if (sealed != plain || std::memcmp(openedTag, expectedTag, sizeof tag) != 0) return false;
  }
  return true;
}

}  // namespace

bool WideGcm::IsHere() {
  static const bool isHere = HasInstructions() && !IsSwitchedOff() && IsAsOpenSsl();
  return isHere;
}

WideGcm::~WideGcm() { OPENSSL_cleanse(&schedule_, sizeof schedule_); }

XFER_WIDE void WideGcm::SetKey(const uint8_t key[kKeyBytes]) {
  auto* const roundKeys = reinterpret_cast<__m128i*>(schedule_.roundKeys);
  ExpandKey(key, roundKeys);
  __m128i hash = roundKeys[0];
  for (size_t round = 1; round < kRoundKeys - 1; round++) hash = _mm_aesenc_si128(hash, roundKeys[round]);
  const __m128i first = TimesX(Reversed(_mm_aesenclast_si128(hash, roundKeys[kRoundKeys - 1])));
  __m128i power = first;
  for (size_t i = kPowers; i > 0; i--) {
    _mm_store_si128(reinterpret_cast<__m128i*>(schedule_.powers[i - 1]), power);
    power = Product(power, first);
  }
}

/** The sum of what was hashed before and of at most four blocks, the last of which may be short. */
XFER_WIDE_INLINE __m128i HashedFew(__m128i hash, __m512i blocks, size_t bytes, const uint8_t* zerosBehindPowers) {
  const size_t count = (bytes + kBlockBytes - 1) / kBlockBytes;
  const __m512i all = _mm512_xor_si512(ReversedEach(blocks), _mm512_zextsi128_si512(hash));
  Products products = None();
  Add(products, all, Wide(zerosBehindPowers - count * kBlockBytes));
  return Folded(Reduced(products));
}

template <bool kIsSealing>
XFER_WIDE void WideGcm::Run(const GcmMessage& message, uint8_t tag[kTagBytes]) const {
  const uint8_t(*const roundKeys)[16] = schedule_.roundKeys;
  const uint8_t* const powers = schedule_.powers[0];
  const uint8_t* const zeros = schedule_.powers[kPowers];
  const uint8_t* from = message.from;
  uint8_t* to = message.to;
  size_t left = message.bytes;

  // Counter blocks are kept back to front, so that what counts is an integer; the tag is encrypted with the first one.
  uint8_t firstBlock[kBlockBytes] = {};
  std::memcpy(firstBlock, message.nonce, 12);
  firstBlock[15] = 1;
  const __m128i first = Reversed(_mm_loadu_si128(reinterpret_cast<const __m128i*>(firstBlock)));
  __m512i counter = _mm512_add_epi32(_mm512_broadcast_i32x4(first),
                                     _mm512_set_epi32(0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1));
  const __m512i four = _mm512_broadcast_i32x4(_mm_set_epi32(0, 0, 0, 4));

  __m128i hash = _mm_setzero_si128();
  if (message.associatedBytes > 0)
    hash = HashedFew(hash, _mm512_maskz_loadu_epi8(FirstBytes(message.associatedBytes), message.associated),
                     message.associatedBytes, zeros);

  // Sealing hashes what the step before has written while this one is encrypted, opening what is decrypted here.
  const uint8_t* unhashed = kIsSealing ? nullptr : from;
  for (; left >= kStepBytes; left -= kStepBytes, from += kStepBytes, to += kStepBytes) {
    __m512i text[kAtOnce];
    const __m512i firstKey = WideKey(roundKeys, 0);
#pragma GCC unroll 8
    for (size_t i = 0; i < kAtOnce; i++) {
      text[i] = _mm512_xor_si512(ReversedEach(counter), firstKey);
      counter = _mm512_add_epi32(counter, four);
    }
    Products products = None();
    const __m512i before = _mm512_zextsi128_si512(hash);
    const bool isHashing = unhashed != nullptr;
#pragma GCC unroll 13
    for (size_t round = 1; round < kRoundKeys - 1; round++) {
      const __m512i roundKey = WideKey(roundKeys, round);
#pragma GCC unroll 8
      for (size_t i = 0; i < kAtOnce; i++) text[i] = _mm512_aesenc_epi128(text[i], roundKey);
      if (round > kAtOnce || !isHashing) continue;
      const size_t at = (round - 1) * kWideBytes;
      __m512i blocks = ReversedEach(Wide(unhashed + at));
      if (round == 1) blocks = _mm512_xor_si512(blocks, before);
      Add(products, blocks, Wide(powers + at));
    }
    const __m512i lastKey = WideKey(roundKeys, kRoundKeys - 1);
#pragma GCC unroll 8
    for (size_t i = 0; i < kAtOnce; i++) {
      const __m512i stream = _mm512_aesenclast_epi128(text[i], lastKey);
      _mm512_storeu_si512(to + i * kWideBytes, _mm512_xor_si512(stream, Wide(from + i * kWideBytes)));
    }
    if (isHashing) hash = Folded(Reduced(products));
    unhashed = kIsSealing ? to : from + kStepBytes;
  }
  if (kIsSealing && unhashed != nullptr) {
    Products products = None();
    for (size_t at = 0; at < kStepBytes; at += kWideBytes) {
      __m512i blocks = ReversedEach(Wide(unhashed + at));
      if (at == 0) blocks = _mm512_xor_si512(blocks, _mm512_zextsi128_si512(hash));
      Add(products, blocks, Wide(powers + at));
    }
    hash = Folded(Reduced(products));
  }

  while (left > 0) {
    const size_t bytes = left < kWideBytes ? left : kWideBytes;
    const __mmask64 mask = FirstBytes(bytes);
    __m512i stream = _mm512_xor_si512(ReversedEach(counter), WideKey(roundKeys, 0));
    counter = _mm512_add_epi32(counter, four);
    for (size_t round = 1; round < kRoundKeys - 1; round++)
      stream = _mm512_aesenc_epi128(stream, WideKey(roundKeys, round));
    stream = _mm512_aesenclast_epi128(stream, WideKey(roundKeys, kRoundKeys - 1));
    const __m512i given = _mm512_maskz_loadu_epi8(mask, from);
    const __m512i made = _mm512_maskz_mov_epi8(mask, _mm512_xor_si512(stream, given));
    _mm512_mask_storeu_epi8(to, mask, made);
    hash = HashedFew(hash, kIsSealing ? made : given, bytes, zeros);
    from += bytes;
    to += bytes;
    left -= bytes;
  }

  const __m128i lengths = _mm_set_epi64x(static_cast<long long>(uint64_t{message.associatedBytes} * 8),
                                         static_cast<long long>(uint64_t{message.bytes} * 8));
  const __m128i last = _mm_load_si128(reinterpret_cast<const __m128i*>(schedule_.powers[kPowers - 1]));
  hash = Product(_mm_xor_si128(hash, lengths), last);
  __m128i sealed = _mm_xor_si128(Reversed(first), _mm_load_si128(reinterpret_cast<const __m128i*>(roundKeys[0])));
  for (size_t round = 1; round < kRoundKeys - 1; round++)
    sealed = _mm_aesenc_si128(sealed, _mm_load_si128(reinterpret_cast<const __m128i*>(roundKeys[round])));
  sealed = _mm_aesenclast_si128(sealed, _mm_load_si128(reinterpret_cast<const __m128i*>(roundKeys[kRoundKeys - 1])));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(tag), _mm_xor_si128(sealed, Reversed(hash)));
}

void WideGcm::Encrypt(const GcmMessage& message, uint8_t tag[kTagBytes]) const { Run<true>(message, tag); }
void WideGcm::Decrypt(const GcmMessage& message, uint8_t tag[kTagBytes]) const { Run<false>(message, tag); }

}  // namespace xfer
#pragma GCC diagnostic pop
#endif
