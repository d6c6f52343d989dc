#include <napi.h>

#include <memory>
#include <vector>

#include "arguments.h"
#include "fabric-handle.h"
#include "fabric-info.h"
#include "fabric-loop-handle.h"
#include "fabric-task.h"

namespace xfer::fabric {

namespace {

Napi::Array TextsOf(Napi::Env env, const std::vector<std::string>& texts) {
  Napi::Array array = Napi::Array::New(env, texts.size());
  for (size_t i = 0; i < texts.size(); i++) array.Set(static_cast<uint32_t>(i), Napi::String::New(env, texts[i]));
  return array;
}

Napi::Value ProviderValue(Napi::Env env, const ProviderInfo& info) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("provider", info.provider);
  value.Set("fabric", info.fabric);
  value.Set("domain", info.domain);
  value.Set("version", info.version);
  value.Set("source", info.source);
  value.Set("maxMessageBytes", Napi::Number::New(env, static_cast<double>(info.maxMessageBytes)));
  value.Set("injectBytes", Napi::Number::New(env, static_cast<double>(info.injectBytes)));
  value.Set("memoryModes", TextsOf(env, info.memoryModes));
  value.Set("modes", TextsOf(env, info.modes));
  value.Set("threading", info.threading);
  value.Set("progress", info.progress);
  if (!info.device.empty()) value.Set("device", info.device);
  if (info.bitsPerSecond != 0)
    value.Set("bitsPerSecond", Napi::Number::New(env, static_cast<double>(info.bitsPerSecond)));
  return value;
}

/** (done) */
Napi::Value ProvidersOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Napi::Function done = arguments.Done(0);
  if (!arguments.Ok()) return info.Env().Undefined();
  const auto found = std::make_shared<std::vector<ProviderInfo>>();
  RunTask(
      info.Env(), done,
      [found] {
        Failure failure;
        *found = Providers(failure);
        return failure;
      },
      [found](Napi::Env env) -> Napi::Value {
        Napi::Array array = Napi::Array::New(env, found->size());
        for (size_t i = 0; i < found->size(); i++) array.Set(static_cast<uint32_t>(i), ProviderValue(env, (*found)[i]));
        return array;
      },
      [] {});
  return info.Env().Undefined();
}

/** (bytes): where they lie. */
Napi::Value AddressOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  size_t count = 0;
  const uint8_t* const bytes = arguments.Bytes(0, "bytes", count);
  if (!arguments.Ok()) return info.Env().Undefined();
  return Napi::BigInt::New(info.Env(), static_cast<uint64_t>(reinterpret_cast<uintptr_t>(bytes)));
}

}  // namespace

}  // namespace xfer::fabric

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("version", Napi::String::New(env, xfer::fabric::LibraryVersion()));
  exports.Set("providers", Napi::Function::New(env, xfer::fabric::ProvidersOf, "providers"));
  exports.Set("addressOf", Napi::Function::New(env, xfer::fabric::AddressOf, "addressOf"));
  exports.Set("FabricEndpoint", xfer::fabric::FabricHandle::Class(env));
  exports.Set("FabricLoop", xfer::fabric::FabricLoop::Class(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(xfer_fabric, Init)
