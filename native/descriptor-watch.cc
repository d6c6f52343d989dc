#include "descriptor-watch.h"

#include <sys/epoll.h>

#include <cerrno>

#include "arguments.h"
#include "errno-name.h"

namespace xfer {

namespace {

/** What is wanted and told, as in src/native/addon.ts. */
constexpr uint32_t kReadable = 1;
constexpr uint32_t kWritable = 2;
constexpr uint32_t kBroken = 4;

}  // namespace

/** (fd, handler): throws EPERM for what is always ready. */
DescriptorWatch::DescriptorWatch(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DescriptorWatch>(info) {
  Arguments arguments(info);
  fd_ = arguments.Fd(0);
  const Napi::Function handler = arguments.Done(1);
  if (!arguments.Ok()) return;
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  int error = epoll_.Valid() ? Arm(EPOLL_CTL_ADD, 0) : errno;
  if (error == 0)
    poller_ = LoopPoller::Start(
        Env(), epoll_.Get(), [this](int, int) { OnReady(); }, [this] { Close(); }, error);
  if (error == 0) error = poller_->Watch(UV_READABLE);
  if (error != 0) {
    Close();
    Throw(error);
    return;
  }
  poller_->KeepAlive(false);
  handler_ = Napi::Persistent(handler);
  context_ = std::make_unique<Napi::AsyncContext>(Env(), "xfer:descriptor");
  Ref();
}

DescriptorWatch::~DescriptorWatch() { Close(); }

/** (events): told once, with an end or an error, which is told in every case. While any is wanted the process stays. */
Napi::Value DescriptorWatch::Want(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const uint64_t wanted = arguments.Integer(0, "events", kReadable | kWritable);
  if (!arguments.Ok() || poller_ == nullptr) return info.Env().Undefined();
  uint32_t events = 0;
  if ((wanted & kReadable) != 0) events |= EPOLLIN;
  if ((wanted & kWritable) != 0) events |= EPOLLOUT;
  poller_->KeepAlive(wanted != 0);
  const int error = Arm(EPOLL_CTL_MOD, events);
  if (error != 0) Throw(error);
  return info.Env().Undefined();
}

Napi::Value DescriptorWatch::CloseNow(const Napi::CallbackInfo& info) {
  Close();
  return info.Env().Undefined();
}

void DescriptorWatch::Close() {
  const bool wasOpen = context_ != nullptr && poller_ != nullptr;
  if (poller_ != nullptr) poller_->Close();
  poller_ = nullptr;
  epoll_.Close();
  if (!wasOpen) return;
  handler_.Reset();
  Unref();
}

void DescriptorWatch::OnReady() {
  epoll_event event{};
  if (epoll_wait(epoll_.Get(), &event, 1, 0) <= 0) return;
  const uint32_t told = ((event.events & EPOLLIN) != 0 ? kReadable : 0) |
                        ((event.events & EPOLLOUT) != 0 ? kWritable : 0) |
                        ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? kBroken : 0);
  poller_->KeepAlive(false);
  const Napi::HandleScope scope(Env());
  const Napi::Value self = Value();  // else it could be collected below a handler that closes it
  const napi_value argument = Napi::Number::New(Env(), told);
  const napi_status status =
      napi_make_callback(Env(), *context_, self, handler_.Value(), 1, &argument, nullptr);
  if (status != napi_pending_exception) return;
  napi_value thrown = nullptr;
  if (napi_get_and_clear_last_exception(Env(), &thrown) == napi_ok) napi_fatal_exception(Env(), thrown);
}

int DescriptorWatch::Arm(int operation, uint32_t events) {
  epoll_event event{};
  event.events = events | EPOLLONESHOT;
  return epoll_ctl(epoll_.Get(), operation, fd_, &event) == 0 ? 0 : errno;
}

void DescriptorWatch::Throw(int error) {
  const std::string code = ErrorCode(error);
  Napi::Error value = Napi::Error::New(Env(), code + ": " + ErrorMessage(error) + ", epoll_ctl");
  value.Set("code", Napi::String::New(Env(), code));
  value.ThrowAsJavaScriptException();
}

Napi::Function DescriptorWatch::Class(Napi::Env env) {
  return DefineClass(
      env, "DescriptorWatch",
      {InstanceMethod("want", &DescriptorWatch::Want), InstanceMethod("close", &DescriptorWatch::CloseNow)});
}

}  // namespace xfer
