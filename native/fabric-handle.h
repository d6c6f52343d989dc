#pragma once
#include <napi.h>

#include <map>
#include <memory>
#include <vector>

#include "fabric-driver.h"
#include "fabric-thread.h"
#include "loop-poller.h"
#include "udp-pieces.h"

namespace xfer::fabric {

/**
 * `FabricEndpoint` of src/native/fabric-addon.ts: an endpoint in the loop. While it is open it keeps itself, its fields and its handler
 * alive.
 */
class FabricHandle : public Napi::ObjectWrap<FabricHandle> {
 public:
  static Napi::Function Class(Napi::Env env);

  explicit FabricHandle(const Napi::CallbackInfo& info);
  ~FabricHandle() override;

 private:
  enum class BlockState : uint8_t { kPosted, kHanded, kRetained };

  // What JavaScript calls, in fabric-handle-calls.cc.
  Napi::Value Connect(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  Napi::Value Retain(const Napi::CallbackInfo& info);
  Napi::Value Release(const Napi::CallbackInfo& info);
  Napi::Value Region(const Napi::CallbackInfo& info);
  Napi::Value SmallRoom(const Napi::CallbackInfo& info);
  Napi::Value LargeRoom(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value FailureOf(const Napi::CallbackInfo& info);
  Napi::Value KeepAlive(const Napi::CallbackInfo& info);
  Napi::Value CloseSoon(const Napi::CallbackInfo& info);
  Napi::Value Abandon(const Napi::CallbackInfo& info);

  /** False, with an error pending, where it is closed or about to be. */
  bool RequireOpen();
  void Open(const EndpointOptions& options);
  /** A number for a request whose reply goes to `done`. */
  uint64_t NewRequest(Napi::Function done);

  void OnReady();
  /** From `next_` on, up to `most`: how many events stand in the fields. Ends at a reply. */
  size_t Collect(size_t most);
  void HandOver(size_t count);
  void Complete(std::unique_ptr<Reply> reply);
  Napi::Value ValueOf(const Reply& reply);
  /** A block as JavaScript has it: both sizes in one row of numbers. */
  BlockState* StateOf(uint64_t number);
  /** The thread has ended, or is left to itself. */
  void Finish(std::chrono::milliseconds most);
  /** From the loop; what it throws is an uncaught exception. */
  void CallInLoop(napi_value function, std::initializer_list<napi_value> arguments);

  std::shared_ptr<Driver> driver_;
  FabricThread thread_;
  LoopPoller* poller_ = nullptr;
  bool isOpen_ = false;
  bool isClosing_ = false;

  size_t smallCount_ = 0;
  std::vector<BlockState> blocks_;
  bool isConnected_ = false;
  Peer peer_;
  uint32_t smallUsed_ = 0;
  uint32_t largeUsed_ = 0;

  std::vector<Arrival> arrivals_;
  size_t next_ = 0;
  Pieces pieces_;
  std::vector<uint64_t> handed_;
  std::map<uint64_t, Napi::FunctionReference> requests_;
  uint64_t lastRequest_ = 0;
  Napi::ObjectReference fields_;
  Napi::FunctionReference onEvents_;
  std::unique_ptr<Napi::AsyncContext> context_;
};

/** Memory of an endpoint in JavaScript's hands: mapped as long as either side refers to it. */
Napi::Value MemoryValue(Napi::Env env, const std::shared_ptr<uint8_t>& memory, size_t bytes);

/** Of one hand-over, four numbers each; the fields have room for so many. */
constexpr size_t kMostEvents = 256;
constexpr size_t kEventNumbers = 4;

}  // namespace xfer::fabric
