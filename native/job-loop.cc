#include "job-loop.h"

#include <cerrno>
#include <utility>

#include <uv.h>

#include "errno-name.h"

namespace xfer {

namespace {

Napi::Value ErrorValue(Napi::Env env, int error, const char* syscall) {
  const std::string code = ErrorCode(error);
  const std::string text =
      error == kTampered ? ErrorMessage(error) : code + ": " + ErrorMessage(error) + ", " + syscall;
  Napi::Error value = Napi::Error::New(env, text);
  value.Set("code", Napi::String::New(env, code));
  if (error != kTampered) {
    value.Set("errno", Napi::Number::New(env, -error));
    value.Set("syscall", Napi::String::New(env, syscall));
  }
  return value.Value();
}

}  // namespace

bool CallbackJob::Complete(Napi::Env env) {
  const Napi::HandleScope scope(env);
  napi_value arguments[2] = {env.Null(), env.Undefined()};
  if (error_ == 0) {
    arguments[1] = Value(env);
  } else {
    arguments[0] = ErrorValue(env, error_, syscall_);
  }
  const napi_status status = napi_call_function(env, env.Undefined(), done_.Value(), 2, arguments, nullptr);
  if (status == napi_ok) return true;
  if (status != napi_pending_exception) return false;
  napi_value thrown = nullptr;
  if (napi_get_and_clear_last_exception(env, &thrown) != napi_ok) return false;
  return napi_fatal_exception(env, thrown) == napi_ok;
}

void JobLoop::Install(Napi::Env env) {
  auto* loop = new JobLoop(env);
  env.SetInstanceData<JobLoop>(loop);
  // Hooks run last come, first served: this one before the one that closes the thread-safe function.
  napi_add_env_cleanup_hook(env, OnEnvironmentEnd, loop);
}

JobLoop::JobLoop(Napi::Env env) : env_(env) {
  const napi_value name = Napi::String::New(env, "xfer:jobs");
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr,
                                                             this, OnWake, &wake_);
  NAPI_FATAL_IF_FAILED(status, "JobLoop", "napi_create_threadsafe_function");
  napi_unref_threadsafe_function(env, wake_);
  pool_ = std::make_unique<ThreadPool>(uv_available_parallelism() + 2, [this] { Wake(); });
}

JobLoop::~JobLoop() = default;

void JobLoop::Submit(std::unique_ptr<CallbackJob> job) {
  if (outstanding_++ == 0) napi_ref_threadsafe_function(env_, wake_);
  CallbackJob* const raw = job.get();
  std::unique_ptr<Job> queued = std::move(job);
  if (pool_ != nullptr && pool_->Submit(queued)) return;
  raw->Fail(EAGAIN);
  refused_.push_back(std::move(queued));
  Wake();
}

void JobLoop::StayAwake(uint64_t nanoseconds) {
  if (busyPoll_ == nullptr) busyPoll_ = BusyPoll::Start(env_);
  if (busyPoll_ != nullptr) busyPoll_->For(nanoseconds);
}

void JobLoop::Wake() { napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking); }

void JobLoop::OnWake(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;  // the environment is going away, and `context` with it
  static_cast<JobLoop*>(context)->Drain(env);
}

void JobLoop::OnEnvironmentEnd(void* self) {
  auto* loop = static_cast<JobLoop*>(self);
  if (loop->pool_ != nullptr) loop->pool_->Stop();
  loop->pool_.reset();  // with the jobs and their references, while references can still be deleted
  loop->refused_.clear();
}

void JobLoop::Drain(Napi::Env env) {
  if (pool_ == nullptr) return;
  const Napi::HandleScope scope(env);
  std::vector<std::unique_ptr<Job>> jobs = pool_->TakeCompleted();
  for (auto& job : std::exchange(refused_, {})) jobs.push_back(std::move(job));
  bool running = true;
  for (auto& job : jobs) {
    if (--outstanding_ == 0) napi_unref_threadsafe_function(env_, wake_);
    if (running) running = static_cast<CallbackJob*>(job.get())->Complete(env);
    job.reset();
  }
}

}  // namespace xfer
