#include "fabric-task.h"

#include <sys/eventfd.h>
#include <uv.h>

#include <cerrno>
#include <utility>

#include "fabric-error-value.h"
#include "fabric-thread.h"
#include "loop-poller.h"
#include "unique-fd.h"

namespace xfer::fabric {

namespace {

/** What both the thread and the loop have of a task. */
struct Shared {
  UniqueFd ended{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  std::function<Failure()> work;
  Failure failure;
};

/** Deletes itself: when it is done, or where the environment ends. */
class Task {
 public:
  Task(Napi::Env env, Napi::Function done, std::function<Napi::Value(Napi::Env)> toValue)
      : env_(env), done_(Napi::Persistent(done)), toValue_(std::move(toValue)), context_(env, "xfer:fabric") {}

  int Start(std::function<Failure()> work, std::function<void()> askToEnd) {
    shared_->work = std::move(work);
    if (!shared_->ended.Valid()) return errno;
    int error = 0;
    poller_ = LoopPoller::Start(
        env_, shared_->ended.Get(), [this](int, int) { Complete(); }, [this] { End(); }, error);
    if (error == 0) error = poller_->Watch(UV_READABLE);
    if (error == 0) error = thread_.Start("xfer-fabric-job", [shared = shared_] { Run(*shared); }, std::move(askToEnd));
    if (error != 0 && poller_ != nullptr) poller_->Close();
    return error;
  }

 private:
  static void Run(Shared& shared) {
    shared.failure = shared.work();
    shared.work = nullptr;
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t count = write(shared.ended.Get(), &one, sizeof one);
  }

  void End() {
    thread_.End(kMostWait);
    poller_->Close();
    delete this;
  }

  void Complete() {
    const Napi::HandleScope scope(env_);
    thread_.End(kMostWait);
    poller_->Close();
    const Failure& failure = shared_->failure;
    const napi_value arguments[2] = {failure ? ErrorOf(env_, failure) : env_.Null(),
                                     failure ? env_.Undefined() : toValue_(env_)};
    const Napi::Function done = done_.Value();
    const napi_status status = napi_make_callback(env_, context_, env_.Global(), done, 2, arguments, nullptr);
    const Napi::Env env = env_;
    delete this;
    if (status != napi_pending_exception) return;
    napi_value thrown = nullptr;
    if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
  }

  const Napi::Env env_;
  const Napi::FunctionReference done_;
  const std::function<Napi::Value(Napi::Env)> toValue_;
  const Napi::AsyncContext context_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  FabricThread thread_;
  LoopPoller* poller_ = nullptr;
};

}  // namespace

void RunTask(Napi::Env env, Napi::Function done, std::function<Failure()> work,
             std::function<Napi::Value(Napi::Env)> toValue, std::function<void()> askToEnd) {
  auto* const task = new Task(env, done, std::move(toValue));
  const int error = task->Start(std::move(work), std::move(askToEnd));
  if (error == 0) return;
  delete task;
  Napi::Error(env, ErrorOf(env, {error, "there is no thread for it"})).ThrowAsJavaScriptException();
}

}  // namespace xfer::fabric
