#include "fabric-loop-handle.h"

#include <cerrno>

#include "fabric-arguments.h"
#include "fabric-error-value.h"
#include "fabric-loops.h"
#include "fabric-task.h"

namespace xfer::fabric {

namespace {

Napi::Value NothingOf(Napi::Env env) { return env.Undefined(); }

const Failure kClosed = {EBADF, "the endpoint is closed"};

}  // namespace

/** (provider, host, smallBytes, smallCount, largeBytes, largeCount, largeLeadBytes, faults, done) */
FabricLoop::FabricLoop(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FabricLoop>(info) {
  Arguments arguments(info);
  const EndpointOptions options = OptionsArgument(arguments, 0);
  const Napi::Function done = arguments.Done(kOptionArguments);
  if (!arguments.Ok()) return;
  RunTask(
      info.Env(), done,
      [state = state_, options] {
        Failure failure;
        state->endpoint = Endpoint::Open(options, failure);
        return failure;
      },
      [state = state_](Napi::Env env) -> Napi::Value {
        const std::vector<uint8_t>& address = state->endpoint->Address();
        Napi::Object value = Napi::Object::New(env);
        value.Set("address", Napi::Buffer<uint8_t>::Copy(env, address.data(), address.size()));
        value.Set("tag", Napi::BigInt::New(env, state->endpoint->Tag()));
        return value;
      },
      [] {});
}

/** (address, tag, smallCount, largeCount, smallBytes, largeBytes, done) */
Napi::Value FabricLoop::Connect(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Peer peer = PeerArgument(arguments, info, 0);
  const Napi::Function done = arguments.Done(kPeerArguments);
  if (!arguments.Ok()) return info.Env().Undefined();
  RunTask(
      info.Env(), done,
      [state = state_, peer] {
        if (state->endpoint == nullptr) return kClosed;
        state->peer = peer;
        return state->endpoint->Connect(peer);
      },
      NothingOf, [] {});
  return info.Env().Undefined();
}

/** (isPingPong, isClient, messageBytes, iterations, warmUp, done) */
Napi::Value FabricLoop::Run(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const bool isPingPong = arguments.Flag(0, "isPingPong");
  LoopOptions options;
  options.isClient = arguments.Flag(1, "isClient");
  options.messageBytes = arguments.Integer(2, "bytes", kMaxSafeInteger);
  options.iterations = arguments.Integer(3, "iterations", kMaxSafeInteger);
  options.warmUp = arguments.Integer(4, "warmUp", kMaxSafeInteger);
  const Napi::Function done = arguments.Done(5);
  if (arguments.Ok() && options.iterations == 0) arguments.OutOfRange("iterations must be at least 1");
  if (!arguments.Ok()) return info.Env().Undefined();
  const auto result = std::make_shared<LoopResult>();
  // Of this run alone: the end of its thread sets it, also when the run is over, and another may follow.
  const auto isCancelled = std::make_shared<std::atomic<bool>>(state_->isCancelled.load());
  state_->isRunCancelled = isCancelled;
  options.isCancelled = isCancelled.get();
  RunTask(
      info.Env(), done,
      [state = state_, result, options, isPingPong, isCancelled] {
        if (state->endpoint == nullptr) return kClosed;
        if (state->peer.address.empty()) return Failure{ENOTCONN, "it is not connected"};
        Failure failure;
        *result = (isPingPong ? PingPong : OneWay)(*state->endpoint, state->peer, state->runs, options, failure);
        return failure;
      },
      [result](Napi::Env env) -> Napi::Value {
        Napi::Object value = Napi::Object::New(env);
        value.Set("seconds", Napi::Number::New(env, result->seconds));
        value.Set("transferMicroseconds", Napi::Number::New(env, result->transferMicroseconds));
        value.Set("bytesPerSecond", Napi::Number::New(env, result->bytesPerSecond));
        return value;
      },
      [isCancelled] { *isCancelled = true; });
  return info.Env().Undefined();
}

/** A loop that runs ends soon, with ECANCELED. */
Napi::Value FabricLoop::Cancel(const Napi::CallbackInfo& info) {
  state_->isCancelled = true;
  if (state_->isRunCancelled != nullptr) *state_->isRunCancelled = true;
  return info.Env().Undefined();
}

/** (done) */
Napi::Value FabricLoop::Close(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Napi::Function done = arguments.Done(0);
  if (!arguments.Ok()) return info.Env().Undefined();
  RunTask(
      info.Env(), done,
      [state = state_] {
        state->endpoint = nullptr;
        return Failure{};
      },
      NothingOf, [] {});
  return info.Env().Undefined();
}

Napi::Function FabricLoop::Class(Napi::Env env) {
  return DefineClass(env, "FabricLoop",
                     {InstanceMethod("connect", &FabricLoop::Connect), InstanceMethod("run", &FabricLoop::Run),
                      InstanceMethod("cancel", &FabricLoop::Cancel), InstanceMethod("close", &FabricLoop::Close)});
}

}  // namespace xfer::fabric
