#include "fabric-handle.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <uv.h>

#include "fabric-error-value.h"

namespace xfer::fabric {

FabricHandle::~FabricHandle() { Finish(kMostWait); }

void FabricHandle::Open(const EndpointOptions& options) {
  driver_ = std::make_shared<Driver>();
  int error = driver_->Error();
  if (error == 0)
    poller_ = LoopPoller::Start(
        Env(), driver_->LoopFd(), [this](int, int) { OnReady(); }, [this] { Finish(kMostWait); }, error);
  if (error == 0) error = poller_->Watch(UV_READABLE);
  if (error == 0)
    error = thread_.Start(
        "xfer-fabric", [driver = driver_, options, request = lastRequest_] { driver->Run(options, request); },
        [driver = driver_] { driver->Stop(); });
  if (error != 0) {
    if (poller_ != nullptr) std::exchange(poller_, nullptr)->Close();
    Napi::Error(Env(), ErrorOf(Env(), {error, "the endpoint has no thread"})).ThrowAsJavaScriptException();
    return;
  }
  context_ = std::make_unique<Napi::AsyncContext>(Env(), "xfer:fabric");
  isOpen_ = true;
  Ref();
}

uint64_t FabricHandle::NewRequest(Napi::Function done) {
  requests_.emplace(++lastRequest_, Napi::Persistent(done));
  return lastRequest_;
}

void FabricHandle::Finish(std::chrono::milliseconds most) {
  if (!std::exchange(isOpen_, false)) return;
  const bool hasEnded = thread_.End(most);
  std::exchange(poller_, nullptr)->Close();
  if (hasEnded) driver_->LetGo();
  requests_.clear();
  fields_.Reset();
  onEvents_.Reset();
  Unref();
}

void FabricHandle::OnReady() {
  const Napi::HandleScope scope(Env());
  // Else it could be collected below a handler that closes it.
  [[maybe_unused]] const Napi::Value self = Value();
  driver_->Take(arrivals_);
  size_t room = kMostEvents;
  while (isOpen_ && next_ < arrivals_.size() && room > 0) {
    if (arrivals_[next_].reply != nullptr) {
      Complete(std::move(arrivals_[next_++].reply));
      continue;
    }
    const size_t before = next_;
    const size_t count = Collect(room);
    room -= next_ - before;
    if (count > 0) HandOver(count);
  }
  if (next_ == arrivals_.size()) {
    arrivals_.clear();
    next_ = 0;
  } else if (isOpen_) {
    // Others have their turn first.
    driver_->WakeLoop();
  }
}

size_t FabricHandle::Collect(size_t most) {
  auto array = fields_.Value().As<Napi::Float64Array>();
  // JavaScript may have transferred them away.
  if (array.ElementLength() < kMostEvents * kEventNumbers) most = 0;
  double* out = array.Data();
  size_t count = 0;
  handed_.clear();
  size_t looked = 0;
  for (; next_ < arrivals_.size() && arrivals_[next_].reply == nullptr && looked < std::max<size_t>(most, 1); looked++) {
    const Event& event = arrivals_[next_++].event;
    const bool isMessage = event.kind == Event::Kind::kSmall || event.kind == Event::Kind::kLarge;
    // Who closes it wants its memory back, and nothing else.
    if (most == 0 || (isClosing_ && event.kind != Event::Kind::kSent)) continue;
    uint64_t id = event.id;
    if (isMessage) {
      id += event.kind == Event::Kind::kLarge ? smallCount_ : 0;
      blocks_[id] = BlockState::kHanded;
      handed_.push_back(id);
    }
    *out++ = static_cast<double>(event.kind);
    *out++ = static_cast<double>(id);
    *out++ = static_cast<double>(event.offset);
    *out++ = static_cast<double>(event.bytes);
    count++;
  }
  return count;
}

void FabricHandle::HandOver(size_t count) {
  const Napi::HandleScope scope(Env());
  CallInLoop(onEvents_.Value(), {Napi::Number::New(Env(), static_cast<double>(count))});
  if (!isOpen_) return;
  std::vector<Driver::Block> unused;
  for (const uint64_t id : handed_) {
    if (blocks_[id] != BlockState::kHanded) continue;
    blocks_[id] = BlockState::kPosted;
    const bool isLarge = id >= smallCount_;
    unused.push_back({isLarge, static_cast<uint32_t>(isLarge ? id - smallCount_ : id)});
  }
  handed_.clear();
  if (!isClosing_) driver_->Release(unused);
}

void FabricHandle::Complete(std::unique_ptr<Reply> reply) {
  const Napi::HandleScope scope(Env());
  const auto found = requests_.find(reply->request);
  if (found == requests_.end()) return;
  const Napi::FunctionReference done = std::move(found->second);
  requests_.erase(found);
  const bool isFirst = reply->request == 1;
  const bool hasFailed = static_cast<bool>(reply->failure);
  const napi_value error = hasFailed ? ErrorOf(Env(), reply->failure) : Env().Null();
  const napi_value value = hasFailed ? Env().Undefined() : ValueOf(*reply);
  // The thread has nothing more to do: an endpoint that never was, or is no more.
  if ((isFirst && hasFailed) || (isClosing_ && requests_.empty())) Finish(kMostWait);
  CallInLoop(done.Value(), {error, value});
}

Napi::Value FabricHandle::ValueOf(const Reply& reply) {
  if (reply.memory != nullptr) return MemoryValue(Env(), reply.memory, reply.bytes);
  if (reply.opened == nullptr) return Env().Undefined();
  const Opened& opened = *reply.opened;
  const Endpoint::Features& what = opened.features;
  Napi::Uint8Array address = Napi::Uint8Array::New(Env(), opened.address.size());
  std::copy(opened.address.begin(), opened.address.end(), address.Data());
  Napi::Object value = Napi::Object::New(Env());
  value.Set("address", address);
  value.Set("tag", Napi::BigInt::New(Env(), opened.tag));
  value.Set("smallMemory", MemoryValue(Env(), opened.smallMemory, opened.smallMemoryBytes));
  value.Set("largeMemory", MemoryValue(Env(), opened.largeMemory, opened.largeMemoryBytes));
  Napi::Object features = Napi::Object::New(Env());
  features.Set("provider", Napi::String::New(Env(), what.provider));
  features.Set("wait", Napi::String::New(Env(), opened.hasDescriptor ? "fd" : "poll"));
  features.Set("maxMessageBytes", Napi::Number::New(Env(), static_cast<double>(what.maxMessageBytes)));
  features.Set("injectBytes", Napi::Number::New(Env(), static_cast<double>(what.injectBytes)));
  features.Set("hasHugePages", Napi::Boolean::New(Env(), what.hasHugePages));
  features.Set("needsRegistration", Napi::Boolean::New(Env(), what.needsRegistration));
  value.Set("features", features);
  return value;
}

FabricHandle::BlockState* FabricHandle::StateOf(uint64_t number) {
  return number < blocks_.size() ? &blocks_[number] : nullptr;
}

void FabricHandle::CallInLoop(napi_value function, std::initializer_list<napi_value> arguments) {
  const napi_status status =
      napi_make_callback(Env(), *context_, Value(), function, arguments.size(), arguments.begin(), nullptr);
  if (status != napi_pending_exception) return;
  napi_value thrown = nullptr;
  if (napi_get_and_clear_last_exception(Env(), &thrown) == napi_ok) napi_fatal_exception(Env(), thrown);
}

Napi::Value MemoryValue(Napi::Env env, const std::shared_ptr<uint8_t>& memory, size_t bytes) {
  auto* const held = new std::shared_ptr<uint8_t>(memory);
  return Napi::ArrayBuffer::New(
      env, memory.get(), bytes, [](Napi::Env, void*, std::shared_ptr<uint8_t>* kept) { delete kept; }, held);
}

}  // namespace xfer::fabric
