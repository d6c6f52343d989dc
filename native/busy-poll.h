#pragma once
#include <cstdint>

#include <node_api.h>
#include <uv.h>

namespace xfer {

/**
 * Keeps the loop of one environment from sleeping for a while: it asks again and again whether there is anything to do. A processor that
 * has slept wakes late and is slow at first, above all that of a virtual machine. Gone where the environment ends.
 */
class BusyPoll {
 public:
  /** Null where the environment has no loop. */
  static BusyPoll* Start(napi_env env);

  /** From now on, for so long; 0: no more. It keeps no process alive. */
  void For(uint64_t nanoseconds);

 private:
  BusyPoll() = default;
  ~BusyPoll() = default;

  void Poll();
  void Rest();
  void Close();
  void Closed();

  /** By uv_hrtime. */
  uint64_t until_ = 0;
  /** While it is active the loop does not wait for events. */
  uv_idle_t idle_ = {};
  uv_prepare_t prepare_ = {};
  int open_ = 2;
  napi_async_cleanup_hook_handle hook_ = nullptr;
};

}  // namespace xfer
