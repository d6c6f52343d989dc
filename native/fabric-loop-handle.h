#pragma once
#include <napi.h>

#include <atomic>
#include <memory>

#include "fabric-endpoint.h"
#include "fabric-loops.h"

namespace xfer::fabric {

/**
 * `FabricLoop` of src/native/fabric-addon.ts: an endpoint without events, for the loops of fabric-loops.h, each of which has a thread of
 * its own. One thing at a time: what it is to do next is said when the last has ended.
 */
class FabricLoop : public Napi::ObjectWrap<FabricLoop> {
 public:
  static Napi::Function Class(Napi::Env env);

  explicit FabricLoop(const Napi::CallbackInfo& info);

 private:
  /** Of the thread that is busy with it; nobody else touches the endpoint then. */
  struct State {
    std::unique_ptr<Endpoint> endpoint;
    Peer peer;
    LoopState runs;
    std::atomic<bool> isCancelled{false};
    /** Of the run that is under way, or was the last; the loop alone refers to it by this. */
    std::shared_ptr<std::atomic<bool>> isRunCancelled;
  };

  Napi::Value Connect(const Napi::CallbackInfo& info);
  Napi::Value Run(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace xfer::fabric
