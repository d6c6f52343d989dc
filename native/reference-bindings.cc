#include <napi.h>

#include "arguments.h"
#include "bindings.h"
#include "call-job.h"
#include "reference-blast.h"

namespace xfer {

namespace {

/** A process that ends waits for what runs. */
constexpr uint64_t kMaxMilliseconds = 1000;

/** {bytes, seconds} */
Napi::Value BlastValue(Napi::Env env, Blast& blast) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("bytes", Napi::Number::New(env, static_cast<double>(blast.bytes)));
  value.Set("seconds", Napi::Number::New(env, blast.seconds));
  return value;
}

/** (milliseconds, done) */
void SubmitReferenceBlast(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const uint64_t milliseconds = arguments.Integer(0, "milliseconds", kMaxMilliseconds);
  SubmitCall<Blast>(arguments, 1, "send", BlastValue,
                    [milliseconds](Blast& blast) { return RunReferenceBlast(milliseconds, blast); });
}

}  // namespace

void AddReferenceBindings(Napi::Env env, Napi::Object exports) {
  AddCall<SubmitReferenceBlast>(env, exports, "referenceBlast");
}

}  // namespace xfer
