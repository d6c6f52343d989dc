#include <napi.h>

#include "arguments.h"
#include "bindings.h"
#include "job-loop.h"
#include "sealer.h"

namespace xfer {

namespace {

/** (cipher, key, counter, plain, record, header): whether it verified; the 32 bytes of `header` are filled then. */
Napi::Value OpenHeader(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const RecordKey key = arguments.Key(0);
  size_t recordBytes = 0;
  const uint8_t* const record = arguments.Bytes(4, "record", recordBytes);
  size_t headerBytes = 0;
  uint8_t* const header = arguments.Bytes(5, "header", headerBytes);
  if (arguments.Ok() && headerBytes != kHeaderBytes) arguments.OutOfRange("header must be 32 bytes");
  if (!arguments.Ok()) return info.Env().Undefined();
  const bool ok = recordBytes >= kBodyAt && JobLoop::Of(info.Env()).LoopSealer().OpenHeader(key, record, header);
  return Napi::Boolean::New(info.Env(), ok);
}

/** (cipher, key, counter, plain, record): whether the body verified, which stands in its place in the record then. */
Napi::Value OpenBodyNow(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const RecordKey key = arguments.Key(0);
  size_t recordBytes = 0;
  uint8_t* const record = arguments.Bytes(4, "record", recordBytes);
  if (!arguments.Ok()) return info.Env().Undefined();
  return Napi::Boolean::New(info.Env(), JobLoop::Of(info.Env()).LoopSealer().OpenBody(key, record, recordBytes));
}

/** (cipher, key, counter, plain, bodyBytes, header, out): the body stands in its place in `out`. */
void SealNow(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const RecordKey key = arguments.Key(0);
  const size_t bodyBytes = arguments.Integer(4, "bodyBytes", kMaxBodyBytes);
  size_t headerBytes = 0;
  const uint8_t* const header = arguments.Bytes(5, "header", headerBytes);
  size_t outBytes = 0;
  uint8_t* const out = arguments.Bytes(6, "out", outBytes);
  if (arguments.Ok() && headerBytes != kHeaderBytes) arguments.OutOfRange("header must be 32 bytes");
  if (arguments.Ok() && outBytes < kOverheadBytes + bodyBytes) arguments.OutOfRange("out is too small for the record");
  if (!arguments.Ok()) return;
  if (!JobLoop::Of(info.Env()).LoopSealer().Seal(key, header, out, bodyBytes))
    Napi::Error::New(info.Env(), "there is no memory to seal with").ThrowAsJavaScriptException();
}

}  // namespace

void AddRecordBindings(Napi::Env env, Napi::Object exports) {
  exports.Set("openHeader", Napi::Function::New<OpenHeader>(env, "openHeader"));
  exports.Set("openBodyNow", Napi::Function::New<OpenBodyNow>(env, "openBodyNow"));
  exports.Set("sealNow", Napi::Function::New<SealNow>(env, "sealNow"));
}

}  // namespace xfer
