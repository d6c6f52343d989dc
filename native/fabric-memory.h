#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "fabric-endpoint.h"
#include "fabric-objects.h"

namespace xfer::fabric {

constexpr size_t kPageBytes = 4096;
/** Small blocks do not share cache lines. */
constexpr size_t kCacheLineBytes = 64;

inline size_t RoundUp(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

/** Mapped memory, page aligned, zero, in huge pages where allowed; unmapped when the last pointer goes. */
struct Slab {
  std::shared_ptr<uint8_t> memory;
  size_t bytes = 0;
  bool isHuge = false;
};

/** `isTouched`: its pages are there from the beginning (FI_MR_ALLOCATED). */
Slab MapSlab(size_t bytes, bool isTouched, Failure& failure);

/** Slabs registered with one domain, and whose descriptor stands for a range. */
class RegisteredMemory {
 public:
  RegisteredMemory(fid_domain* domain, fid_ep* endpoint, const fi_info& info, Fault fault);

  /** Maps and registers. */
  Slab Add(size_t bytes, Failure& failure);

  /** Null where the range is not wholly within one slab. `*descriptor` is what an operation on it is given. */
  bool Find(const uint8_t* start, size_t bytes, void** descriptor) const;

  size_t RegisteredBytes() const { return registeredBytes_; }
  bool HasHugePages() const { return hasHugePages_; }
  /** Ends all registrations; the memory stays with whoever has pointers. */
  void Clear() { regions_.clear(); }

 private:
  struct Region {
    Slab slab;
    MemoryFid registration;
    void* descriptor = nullptr;
  };

  fid_domain* const domain_;
  fid_ep* const endpoint_;
  const std::string provider_;
  const int modes_;
  Fault fault_;
  uint64_t registrations_ = 0;
  size_t registeredBytes_ = 0;
  bool hasHugePages_ = false;
  /** By address. */
  std::vector<Region> regions_;
};

}  // namespace xfer::fabric
