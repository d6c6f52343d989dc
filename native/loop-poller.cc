#include "loop-poller.h"

#include <cerrno>
#include <utility>

namespace xfer {

LoopPoller::LoopPoller(Ready ready, Ended ended) : ready_(std::move(ready)), ended_(std::move(ended)) {
  handle_.data = this;
}

LoopPoller* LoopPoller::Start(napi_env env, int fd, Ready ready, Ended ended, int& error) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) {
    error = EINVAL;
    return nullptr;
  }
  auto* poller = new LoopPoller(std::move(ready), std::move(ended));
  error = -uv_poll_init(loop, &poller->handle_, fd);
  if (error != 0) {
    delete poller;
    return nullptr;
  }
  // Asynchronous, since the environment must not be gone before libuv has let go of the handle.
  napi_add_async_cleanup_hook(
      env,
      [](napi_async_cleanup_hook_handle, void* self) {
        auto* const ending = static_cast<LoopPoller*>(self);
        if (!ending->isClosed_) ending->ended_();
      },
      poller, &poller->hook_);
  return poller;
}

int LoopPoller::Watch(int events) {
  if (isClosed_) return 0;
  if (events == 0) return -uv_poll_stop(&handle_);
  return -uv_poll_start(&handle_, events, [](uv_poll_t* handle, int status, int ready) {
    auto* const self = static_cast<LoopPoller*>(handle->data);
    if (!self->isClosed_) self->ready_(status, ready);
  });
}

void LoopPoller::KeepAlive(bool alive) {
  if (isClosed_) return;
  auto* const handle = reinterpret_cast<uv_handle_t*>(&handle_);
  if (alive) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void LoopPoller::Close() {
  if (isClosed_) return;
  isClosed_ = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_), [](uv_handle_t* handle) {
    auto* const self = static_cast<LoopPoller*>(handle->data);
    napi_remove_async_cleanup_hook(self->hook_);
    delete self;
  });
}

}  // namespace xfer
