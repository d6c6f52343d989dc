#pragma once
#include <mutex>

#include "fabric-limits.h"

namespace xfer::fabric {

/**
 * One at a time in this process opens or closes an endpoint: they share what libfabric keeps of a provider, and handlers of signals, and when
 * two closed at once, each on its thread, 1.17 crashed. Whoever holds it may hang, so it is not waited for without end.
 */
class OpeningTurn {
 public:
  OpeningTurn() : lock_(Mutex(), kMostTurnWait) {}

 private:
  static std::timed_mutex& Mutex() {
    static auto* const mutex = new std::timed_mutex;  // never destroyed: threads may outlive statics
    return *mutex;
  }

  const std::unique_lock<std::timed_mutex> lock_;
};

}  // namespace xfer::fabric
