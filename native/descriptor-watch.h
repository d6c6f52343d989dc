#pragma once
#include <memory>

#include <napi.h>

#include "loop-poller.h"
#include "unique-fd.h"

namespace xfer {

/**
 * `DescriptorWatch` of src/native/addon.ts: says when a descriptor is ready. libuv sets O_NONBLOCK on what it polls, and
 * others may share the description; so an epoll instance of our own looks at it, and libuv at that.
 */
class DescriptorWatch : public Napi::ObjectWrap<DescriptorWatch> {
 public:
  static Napi::Function Class(Napi::Env env);

  explicit DescriptorWatch(const Napi::CallbackInfo& info);
  ~DescriptorWatch() override;

 private:
  Napi::Value Want(const Napi::CallbackInfo& info);
  Napi::Value CloseNow(const Napi::CallbackInfo& info);

  void Close();
  void OnReady();
  int Arm(int operation, uint32_t events);
  void Throw(int error);

  int fd_ = -1;
  UniqueFd epoll_;
  LoopPoller* poller_ = nullptr;
  Napi::FunctionReference handler_;
  std::unique_ptr<Napi::AsyncContext> context_;
};

}  // namespace xfer
