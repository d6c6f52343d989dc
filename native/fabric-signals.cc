#include "fabric-signals.h"

namespace xfer::fabric {

KeptSignals::KeptSignals() {
  for (size_t i = 0; i < 4; i++) sigaction(kSignals[i], nullptr, &kept_[i]);
}

KeptSignals::~KeptSignals() {
  for (size_t i = 0; i < 4; i++) sigaction(kSignals[i], &kept_[i], nullptr);
}

}  // namespace xfer::fabric
