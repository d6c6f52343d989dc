#include <algorithm>

#include "fabric-arguments.h"
#include "fabric-error-value.h"
#include "fabric-handle.h"

namespace xfer::fabric {

/** (provider, host, smallBytes, smallCount, largeBytes, largeCount, largeLeadBytes, faults, fields, onEvents, done) */
FabricHandle::FabricHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<FabricHandle>(info) {
  Arguments arguments(info);
  const EndpointOptions options = OptionsArgument(arguments, 0);
  size_t fields = 0;
  arguments.Doubles(kOptionArguments, "fields", fields);
  if (arguments.Ok() && !info[kOptionArguments + 1].IsFunction()) arguments.WrongType("onEvents must be a function");
  const Napi::Function done = arguments.Done(kOptionArguments + 2);
  if (arguments.Ok() && fields < kMostEvents * kEventNumbers) arguments.OutOfRange("fields are too few");
  if (!arguments.Ok()) return;
  smallCount_ = options.smallCount;
  blocks_.assign(options.smallCount + options.largeCount, BlockState::kPosted);
  fields_ = Napi::Persistent(info[kOptionArguments].As<Napi::Object>());
  onEvents_ = Napi::Persistent(info[kOptionArguments + 1].As<Napi::Function>());
  NewRequest(done);
  Open(options);
}

bool FabricHandle::RequireOpen() {
  if (isOpen_ && !isClosing_) return true;
  Napi::Error(Env(), ErrorOf(Env(), {EBADF, "the endpoint is closed"})).ThrowAsJavaScriptException();
  return false;
}

/** (address, tag, smallCount, largeCount, smallBytes, largeBytes, done) */
Napi::Value FabricHandle::Connect(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  Peer peer = PeerArgument(arguments, info, 0);
  const Napi::Function done = arguments.Done(kPeerArguments);
  if (arguments.Ok() && isConnected_) arguments.OutOfRange("it is connected already");
  if (!arguments.Ok() || !RequireOpen()) return info.Env().Undefined();
  isConnected_ = true;
  peer_ = peer;
  driver_->Connect(NewRequest(done), std::move(peer));
  return info.Env().Undefined();
}

/** (token, head, pieces) */
Napi::Value FabricHandle::Send(const Napi::CallbackInfo& info) {
  if (!pieces_.Read(info.Env(), info[2])) return info.Env().Undefined();
  Arguments arguments(info);
  const uint64_t token = arguments.Integer(0, "token", kMaxSafeInteger);
  size_t headBytes = 0;
  const uint8_t* const head = arguments.Bytes(1, "head", headBytes);
  if (arguments.Ok() && headBytes > kMaxHeadBytes) arguments.OutOfRange("head must be at most 64 bytes");
  const size_t content = pieces_.Bytes(0, pieces_.Count());
  const size_t bytes = kHeaderBytes + headBytes + content;
  if (arguments.Ok() && bytes > std::max(peer_.smallBytes, peer_.largeBytes))
    arguments.OutOfRange(isConnected_ ? "the message is too large" : "it is not connected");
  if (!arguments.Ok() || !RequireOpen()) return info.Env().Undefined();
  const bool isSmall = bytes <= peer_.smallBytes;
  uint32_t& used = isSmall ? smallUsed_ : largeUsed_;
  if ((isSmall ? driver_->SmallGranted() : driver_->LargeGranted()) == used) {
    arguments.OutOfRange("there is no room for the message");
    return info.Env().Undefined();
  }
  used++;
  std::vector<Piece> pieces;
  pieces.reserve(pieces_.Count());
  pieces_.Take(content, [&](const uint8_t* memory, size_t count) { pieces.push_back({memory, count}); });
  driver_->Send(token, head, headBytes, std::move(pieces));
  return info.Env().Undefined();
}

/** (block) */
Napi::Value FabricHandle::Retain(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  BlockState* const state = StateOf(arguments.Integer(0, "block", kMaxSafeInteger));
  if (arguments.Ok() && (state == nullptr || *state != BlockState::kHanded))
    arguments.OutOfRange("block must be of a message that is being handled");
  if (arguments.Ok()) *state = BlockState::kRetained;
  return info.Env().Undefined();
}

/** (block) */
Napi::Value FabricHandle::Release(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const uint64_t number = arguments.Integer(0, "block", kMaxSafeInteger);
  BlockState* const state = StateOf(number);
  if (arguments.Ok() && (state == nullptr || *state != BlockState::kRetained))
    arguments.OutOfRange("block must be one that is retained");
  if (!arguments.Ok()) return info.Env().Undefined();
  *state = BlockState::kPosted;
  const bool isLarge = number >= smallCount_;
  if (isOpen_ && !isClosing_)
    driver_->Release({{isLarge, static_cast<uint32_t>(isLarge ? number - smallCount_ : number)}});
  return info.Env().Undefined();
}

/** (bytes, done) */
Napi::Value FabricHandle::Region(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const uint64_t bytes = arguments.Integer(0, "bytes", kMaxSafeInteger);
  const Napi::Function done = arguments.Done(1);
  if (arguments.Ok() && bytes == 0) arguments.OutOfRange("bytes must be at least 1");
  if (arguments.Ok() && RequireOpen()) driver_->Region(NewRequest(done), bytes);
  return info.Env().Undefined();
}

Napi::Value FabricHandle::SmallRoom(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), isConnected_ && isOpen_ ? driver_->SmallGranted() - smallUsed_ : 0);
}

Napi::Value FabricHandle::LargeRoom(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), isConnected_ && isOpen_ ? driver_->LargeGranted() - largeUsed_ : 0);
}

Napi::Value FabricHandle::Stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Endpoint::Stats stats = driver_->Counters();
  Napi::Object value = Napi::Object::New(env);
  const auto set = [&](const char* name, uint64_t number) {
    value.Set(name, Napi::Number::New(env, static_cast<double>(number)));
  };
  set("messagesSent", stats.messagesSent);
  set("messagesReceived", stats.messagesReceived);
  set("creditMessages", stats.creditMessages);
  set("copiedBytes", stats.copiedBytes);
  value.Set("lastPieceAddress", Napi::BigInt::New(env, static_cast<uint64_t>(stats.lastPieceAddress)));
  set("lastPieceBytes", stats.lastPieceBytes);
  set("smallPosted", stats.smallPosted);
  set("largePosted", stats.largePosted);
  set("registeredBytes", stats.registeredBytes);
  return value;
}

/** Undefined where it is not broken. */
Napi::Value FabricHandle::FailureOf(const Napi::CallbackInfo& info) {
  const Failure failure = driver_->Broken();
  return failure ? ErrorOf(info.Env(), failure) : info.Env().Undefined();
}

/** (alive) */
Napi::Value FabricHandle::KeepAlive(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const bool alive = arguments.Flag(0, "alive");
  if (arguments.Ok() && isOpen_ && !isClosing_) poller_->KeepAlive(alive);
  return info.Env().Undefined();
}

/** (done) */
Napi::Value FabricHandle::CloseSoon(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Napi::Function done = arguments.Done(0);
  if (!arguments.Ok() || !RequireOpen()) return info.Env().Undefined();
  isClosing_ = true;
  poller_->KeepAlive(true);
  driver_->Close(NewRequest(done));
  return info.Env().Undefined();
}

Napi::Value FabricHandle::Abandon(const Napi::CallbackInfo& info) {
  Finish(std::chrono::milliseconds(0));
  return info.Env().Undefined();
}

Napi::Function FabricHandle::Class(Napi::Env env) {
  return DefineClass(
      env, "FabricEndpoint",
      {InstanceMethod("connect", &FabricHandle::Connect), InstanceMethod("send", &FabricHandle::Send),
       InstanceMethod("retain", &FabricHandle::Retain), InstanceMethod("release", &FabricHandle::Release),
       InstanceMethod("region", &FabricHandle::Region), InstanceMethod("smallRoom", &FabricHandle::SmallRoom),
       InstanceMethod("largeRoom", &FabricHandle::LargeRoom), InstanceMethod("stats", &FabricHandle::Stats),
       InstanceMethod("failure", &FabricHandle::FailureOf), InstanceMethod("keepAlive", &FabricHandle::KeepAlive),
       InstanceMethod("close", &FabricHandle::CloseSoon), InstanceMethod("abandon", &FabricHandle::Abandon)});
}

}  // namespace xfer::fabric
