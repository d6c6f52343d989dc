#pragma once
#include <napi.h>

#include <functional>
#include <memory>

#include "fabric-endpoint.h"

namespace xfer::fabric {

/**
 * One call that takes long: `work` on a thread of its own, then `done(error, value)` on the loop, with what `toValue` makes of what
 * `work` left behind. `askToEnd` makes `work` return soon where the process or the environment ends first; `done` is not called then.
 */
void RunTask(Napi::Env env, Napi::Function done, std::function<Failure()> work,
             std::function<Napi::Value(Napi::Env)> toValue, std::function<void()> askToEnd);

}  // namespace xfer::fabric
