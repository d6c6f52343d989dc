#pragma once
#include <csignal>

namespace xfer::fabric {

/**
 * While it lives, handlers of signals may be changed; when it goes they are as they were. The provider shm installs its own for the
 * four below when its first endpoint is made, and they would take Node's place: SIGINT would end the process before
 * anybody hears of it. One at a time (fabric-opening-turn.h): it must not keep what another's provider has just installed. What they do (removing files of /dev/shm) an orderly close does, too; for the rest see fabric-shm.h.
 */
class KeptSignals {
 public:
  KeptSignals();
  ~KeptSignals();
  KeptSignals(const KeptSignals&) = delete;
  KeptSignals& operator=(const KeptSignals&) = delete;

 private:
  static constexpr int kSignals[] = {SIGBUS, SIGSEGV, SIGTERM, SIGINT};
  struct sigaction kept_[4];
};

}  // namespace xfer::fabric
