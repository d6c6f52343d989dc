#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace xfer::fabric {

/** An endpoint of shm, for those of the same process that send to it. */
struct Neighbour {
  /** Held while one that sends to it is at work, and while it closes. */
  std::mutex mutex;
  std::atomic<bool> isGone{false};
};

/**
 * Endpoints of shm in this process, by their addresses. libfabric has one mapping for all of a process that use such an
 * endpoint, which goes when it closes: whoever sends to it then, or completes what was sent, writes to where nothing is.
 */
class Neighbours {
 public:
  /** Never destroyed: threads of endpoints that do not come back may outlive everything. */
  static Neighbours& All() {
    static auto* const all = new Neighbours;
    return *all;
  }

  std::shared_ptr<Neighbour> Enter(const std::vector<uint8_t>& address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return byAddress_[address] = std::make_shared<Neighbour>();
  }

  /** Null where it is of another process, or gone. */
  std::shared_ptr<Neighbour> Find(const std::vector<uint8_t>& address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = byAddress_.find(address);
    return found == byAddress_.end() ? nullptr : found->second;
  }

  void Leave(const std::vector<uint8_t>& address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    byAddress_.erase(address);
  }

 private:
  std::mutex mutex_;
  std::map<std::vector<uint8_t>, std::shared_ptr<Neighbour>> byAddress_;
};

}  // namespace xfer::fabric
