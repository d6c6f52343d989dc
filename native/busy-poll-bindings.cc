#include <napi.h>

#include "arguments.h"
#include "bindings.h"
#include "job-loop.h"

namespace xfer {

namespace {

constexpr uint64_t kMostMicroseconds = 100'000;

/** (microseconds) */
Napi::Value StayAwake(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const uint64_t microseconds = arguments.Integer(0, "microseconds", kMostMicroseconds);
  if (arguments.Ok()) JobLoop::Of(info.Env()).StayAwake(microseconds * 1000);
  return info.Env().Undefined();
}

}  // namespace

void AddBusyPollBindings(Napi::Env env, Napi::Object exports) {
  exports.Set("stayAwake", Napi::Function::New<StayAwake>(env, "stayAwake"));
}

}  // namespace xfer
