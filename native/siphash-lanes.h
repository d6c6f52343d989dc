#pragma once
#include "siphash.h"

#if defined(__x86_64__) && (defined(__clang__) || __GNUC__ >= 9)
#define XFER_HAS_SIP_LANES 1
#endif

namespace xfer {

/** Messages at once: as many as a register of 512 bits has words. */
constexpr size_t kSipLanes = 8;
/** Of messages of 24 to 31 bytes; the last has their length in its highest byte, as the paper pads it. */
constexpr size_t kSipLaneWords = 4;

struct SipLanes {
  uint64_t words[kSipLaneWords][kSipLanes];
  uint64_t tags[kSipLanes];
};

/** Lanes one behind the other, or as many at once as `Word` has. */
template <typename Word>
XFER_SIP_INLINE void TagLanes(const SipKey& key, SipLanes& lanes) {
  for (size_t at = 0; at < kSipLanes; at += sizeof(Word) / sizeof(uint64_t)) {
    SipState<Word> state(key);
    for (const auto& words : lanes.words) {
      Word word;
      std::memcpy(&word, words + at, sizeof word);
      state.Add(word);
    }
    Word tags;
    state.Finish(tags);
    std::memcpy(lanes.tags + at, &tags, sizeof tags);
  }
}

#ifdef XFER_HAS_SIP_LANES
__attribute__((target("avx512f"))) inline void TagLanesBy512(const SipKey& key, SipLanes& lanes) {
  TagLanes<uint64_t __attribute__((vector_size(64)))>(key, lanes);
}

__attribute__((target("avx2"))) inline void TagLanesBy256(const SipKey& key, SipLanes& lanes) {
  TagLanes<uint64_t __attribute__((vector_size(32)))>(key, lanes);
}
#endif

inline void TagLanesByOne(const SipKey& key, SipLanes& lanes) { TagLanes<uint64_t>(key, lanes); }

/** SipHash-2-4 of kSipLanes messages under one key, by what this processor has. */
inline void SipHash24Lanes(const SipKey& key, SipLanes& lanes) {
#ifdef XFER_HAS_SIP_LANES
  static const auto best = __builtin_cpu_supports("avx512f") ? TagLanesBy512
                           : __builtin_cpu_supports("avx2")  ? TagLanesBy256
                                                             : TagLanesByOne;
  best(key, lanes);
#else
  TagLanesByOne(key, lanes);
#endif
}

}  // namespace xfer
