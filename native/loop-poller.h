#pragma once
#include <functional>

#include <node_api.h>
#include <uv.h>

namespace xfer {

/**
 * A descriptor in the event loop of one environment. Made by Start, gone by Close, which may be called at any time, from
 * its own callback, too; it closes itself where the environment ends. What libuv holds lives on until it lets go.
 */
class LoopPoller {
 public:
  using Ready = std::function<void(int status, int events)>;
  /** Called instead of Close where the environment ends first; has to call Close. */
  using Ended = std::function<void()>;

  /** Null and an errno where the loop does not take it. */
  static LoopPoller* Start(napi_env env, int fd, Ready ready, Ended ended, int& error);

  /** An errno, or 0. With no events nothing is called, and the process is not kept alive. */
  int Watch(int events);
  /** Whether what is watched keeps the process alive; at first it does. */
  void KeepAlive(bool alive);
  /** The descriptor may be closed after it. */
  void Close();

 private:
  LoopPoller(Ready ready, Ended ended);
  ~LoopPoller() = default;

  Ready ready_;
  Ended ended_;
  uv_poll_t handle_ = {};
  napi_async_cleanup_hook_handle hook_ = nullptr;
  bool isClosed_ = false;
};

}  // namespace xfer
