#include "busy-poll.h"

#include <algorithm>

#include <poll.h>

namespace xfer {

namespace {

/** What the loop does once a turn, such as to watch a descriptor that is new to it, must not wait for longer. */
constexpr uint64_t kSliceNs = 20'000;
/** Between two questions, in which the other thread of the core has it to itself. */
constexpr int kPauses = 32;

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

BusyPoll* BusyPoll::Start(napi_env env) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  auto* const self = new BusyPoll();
  uv_idle_init(loop, &self->idle_);
  uv_prepare_init(loop, &self->prepare_);
  self->idle_.data = self->prepare_.data = self;
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->idle_));
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->prepare_));
  // Asynchronous, since the environment must not be gone before libuv has let go of the handles.
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void* ending) { static_cast<BusyPoll*>(ending)->Close(); }, self, &self->hook_);
  return self;
}

void BusyPoll::For(uint64_t nanoseconds) {
  until_ = nanoseconds == 0 ? 0 : uv_hrtime() + nanoseconds;
  if (nanoseconds == 0) return Rest();
  uv_idle_start(&idle_, [](uv_idle_t*) {});
  uv_prepare_start(&prepare_, [](uv_prepare_t* handle) { static_cast<BusyPoll*>(handle->data)->Poll(); });
}

void BusyPoll::Poll() {
  uint64_t now = uv_hrtime();
  if (now >= until_) return Rest();
  const uint64_t end = std::min(until_, now + kSliceNs);
  pollfd events{uv_backend_fd(prepare_.loop), POLLIN, 0};
  for (; now < end && poll(&events, 1, 0) == 0; now = uv_hrtime())
    for (int i = 0; i < kPauses; i++) Pause();
}

void BusyPoll::Rest() {
  uv_idle_stop(&idle_);
  uv_prepare_stop(&prepare_);
}

void BusyPoll::Close() {
  uv_close(reinterpret_cast<uv_handle_t*>(&idle_), [](uv_handle_t* handle) { static_cast<BusyPoll*>(handle->data)->Closed(); });
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare_),
           [](uv_handle_t* handle) { static_cast<BusyPoll*>(handle->data)->Closed(); });
}

void BusyPoll::Closed() {
  if (--open_ > 0) return;
  napi_remove_async_cleanup_hook(hook_);
  delete this;
}

}  // namespace xfer
