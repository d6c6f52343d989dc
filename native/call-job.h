#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <napi.h>

#include "arguments.h"
#include "job-loop.h"

namespace xfer {

/** What a call without a result gives. */
struct Nothing {};

/** A call as a job: `work` fills a result on the pool, `toValue` makes it JavaScript's on the loop. */
template <class Result>
class CallJob final : public CallbackJob {
 public:
  using Work = std::function<int(Result&)>;
  using ToValue = Napi::Value (*)(Napi::Env, Result&);

  CallJob(Napi::Function done, const char* name, ToValue toValue, Work work)
      : CallbackJob(done, name), work_(std::move(work)), toValue_(toValue) {}

  void Run(Sealer&) override {
    error_ = work_(result_);
    work_ = nullptr;  // lets go of what it holds on this thread
  }

 protected:
  Napi::Value Value(Napi::Env env) override { return toValue_(env, result_); }

 private:
  Work work_;
  const ToValue toValue_;
  Result result_{};
};

/** Submits `work` unless an argument was wrong; `done` is the argument at `doneIndex`. `held` lives until it has run. */
template <class Result>
void SubmitCall(Arguments& arguments, size_t doneIndex, const char* name, Napi::Value (*toValue)(Napi::Env, Result&),
                std::function<int(Result&)> work, Napi::Object held = Napi::Object()) {
  const Napi::Function done = arguments.Done(doneIndex);
  if (!arguments.Ok()) return;
  const Napi::Env env = arguments.Env();
  auto job = std::make_unique<CallJob<Result>>(done, name, toValue, std::move(work));
  if (!held.IsEmpty()) job->Hold(held);
  JobLoop::Of(env).Submit(std::move(job));
}

/** A call that gives nothing but its errno. */
inline void SubmitCall(Arguments& arguments, size_t doneIndex, const char* name, std::function<int()> work) {
  SubmitCall<Nothing>(
      arguments, doneIndex, name, [](Napi::Env env, Nothing&) -> Napi::Value { return env.Undefined(); },
      [work = std::move(work)](Nothing&) { return work(); });
}

inline Napi::Value BooleanValue(Napi::Env env, bool& value) { return Napi::Boolean::New(env, value); }

inline Napi::Value Int32ArrayOf(Napi::Env env, const std::vector<int32_t>& values) {
  Napi::Int32Array array = Napi::Int32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

template <void (*Call)(const Napi::CallbackInfo&)>
void AddCall(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<Call>(env, name));
}

}  // namespace xfer
