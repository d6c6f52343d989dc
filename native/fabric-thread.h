#pragma once
#include <chrono>
#include <functional>
#include <memory>

#include "fabric-limits.h"

namespace xfer::fabric {

/** exit(3) has begun: the kernel will close what is open. */
bool IsProcessEnding();

/**
 * A thread that calls into libfabric, which may hang there: below a lock that a process held when it was killed. So it is
 * waited for only so long, at every kind of end; one that does not come back is left to itself, and keeps what it uses.
 */
class FabricThread {
 public:
  FabricThread() = default;
  /** Ends it where nobody has. */
  ~FabricThread();
  FabricThread(const FabricThread&) = delete;
  FabricThread& operator=(const FabricThread&) = delete;

  /**
   * An errno, or 0. `body` keeps what it uses, and is destroyed on the thread; `askToEnd` makes it return soon, and may be
   * called more than once, on any thread, until End has returned.
   */
  int Start(const char* name, std::function<void()> body, std::function<void()> askToEnd);
  /** Asks it to end and waits; false where it did not come back in time. */
  bool End(std::chrono::milliseconds most);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace xfer::fabric
