#include "fabric-memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

#include "fabric-error.h"

namespace xfer::fabric {

namespace {

constexpr size_t kHugeBytes = size_t{2} << 20;

std::shared_ptr<uint8_t> Own(void* start, size_t bytes) {
  return std::shared_ptr<uint8_t>(static_cast<uint8_t*>(start), [bytes](uint8_t* mapped) { munmap(mapped, bytes); });
}

void* MapOf(size_t bytes, int flags) {
  return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

/** Whether madvise(2) brings huge pages at all. */
bool HasTransparentHugePages() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string modes;
  return std::getline(file, modes) && modes.find("[never]") == std::string::npos;
}

/** Begins on a huge page: the kernel makes huge ones of what fills one alone. */
void* MapAligned(size_t bytes) {
  void* start = MapOf(bytes + kHugeBytes, 0);
  if (start == MAP_FAILED) return start;
  const auto address = reinterpret_cast<uintptr_t>(start);
  const uintptr_t aligned = RoundUp(address, kHugeBytes);
  if (aligned > address) munmap(start, aligned - address);
  const uintptr_t after = aligned + bytes;
  munmap(reinterpret_cast<void*>(after), address + kHugeBytes - aligned);
  return reinterpret_cast<void*>(aligned);
}

}  // namespace

Slab MapSlab(size_t bytes, bool isTouched, Failure& failure) {
  Slab slab;
  slab.bytes = RoundUp(std::max<size_t>(bytes, 1), kPageBytes);
  void* start = MAP_FAILED;
  size_t mapped = slab.bytes;
  if (slab.bytes >= kHugeBytes) {
    mapped = RoundUp(slab.bytes, kHugeBytes);
    start = MapOf(mapped, MAP_HUGETLB);
    slab.isHuge = start != MAP_FAILED;
    if (!slab.isHuge) {
      mapped = slab.bytes;
      start = MapAligned(mapped);
      slab.isHuge = start != MAP_FAILED && madvise(start, mapped, MADV_HUGEPAGE) == 0 && HasTransparentHugePages();
    }
  }
  if (start == MAP_FAILED) start = MapOf(mapped, 0);
  if (start == MAP_FAILED) {
    failure = {errno, "mmap of " + std::to_string(bytes) + " bytes: " + fi_strerror(errno)};
    return {};
  }
  slab.memory = Own(start, mapped);
  if (isTouched) {
    for (size_t at = 0; at < slab.bytes; at += kPageBytes) static_cast<volatile uint8_t*>(start)[at] = 0;
  }
  return slab;
}

RegisteredMemory::RegisteredMemory(fid_domain* domain, fid_ep* endpoint, const fi_info& info, Fault fault)
    : domain_(domain), endpoint_(endpoint), provider_(info.fabric_attr->prov_name), modes_(info.domain_attr->mr_mode), fault_(fault) {}

Slab RegisteredMemory::Add(size_t bytes, Failure& failure) {
  Region region;
  region.slab = MapSlab(bytes, (modes_ & FI_MR_ALLOCATED) != 0, failure);
  if (failure) return {};
  fid_mr* registered = nullptr;
  registrations_++;
  // Keys that the provider does not choose need only differ; nobody is told them.
  ssize_t result = fault_.at == registrations_ ? -fault_.error
                                               : fi_mr_reg(domain_, region.slab.memory.get(), region.slab.bytes, FI_SEND | FI_RECV, 0,
                                                           registrations_, 0, &registered, nullptr);
  region.registration.reset(registered);
  if (result == 0 && (modes_ & FI_MR_ENDPOINT) != 0) {
    result = fi_mr_bind(registered, &endpoint_->fid, 0);
    if (result == 0) result = fi_mr_enable(registered);
  }
  if (result != 0) {
    failure = RegistrationFailure(provider_, result, region.slab.bytes);
    return {};
  }
  region.descriptor = fi_mr_desc(registered);
  registeredBytes_ += region.slab.bytes;
  hasHugePages_ = hasHugePages_ || region.slab.isHuge;
  const Slab slab = region.slab;
  const auto after = std::upper_bound(regions_.begin(), regions_.end(), slab.memory.get(),
                                      [](const uint8_t* start, const Region& other) { return start < other.slab.memory.get(); });
  regions_.insert(after, std::move(region));
  return slab;
}

bool RegisteredMemory::Find(const uint8_t* start, size_t bytes, void** descriptor) const {
  const auto after = std::upper_bound(regions_.begin(), regions_.end(), start,
                                      [](const uint8_t* at, const Region& region) { return at < region.slab.memory.get(); });
  if (after == regions_.begin()) return false;
  const Region& region = *(after - 1);
  const auto offset = static_cast<size_t>(start - region.slab.memory.get());
  if (offset > region.slab.bytes || bytes > region.slab.bytes - offset) return false;
  *descriptor = region.descriptor;
  return true;
}

}  // namespace xfer::fabric
