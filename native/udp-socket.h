#pragma once
#include <algorithm>
#include <memory>
#include <optional>

#include <napi.h>

#include "udp-connections.h"
#include "udp-counters.h"
#include "udp-datagrams.h"
#include "udp-open.h"
#include "udp-packets.h"
#include "udp-pieces.h"
#include "loop-poller.h"
#include "udp-receiver.h"
#include "udp-sender.h"
#include "unique-fd.h"

namespace xfer {

/** What `fields` has room for at least. */
constexpr size_t kLeastFields = std::max(kSlots * kDatagramFields, kPacketFields);

/**
 * `UdpSocket` of src/native/udp-addon.ts: a socket in the loop. While it is open it keeps itself, its slab and its
 * handlers alive.
 */
class UdpSocket : public Napi::ObjectWrap<UdpSocket> {
 public:
  static Napi::Function Class(Napi::Env env);

  explicit UdpSocket(const Napi::CallbackInfo& info);
  ~UdpSocket() override;

 private:
  enum Handler { kBatch, kBroken, kWritable, kUnreachable, kHandlers };

  // What JavaScript calls, in udp-socket-calls.cc.
  Napi::Value Start(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  Napi::Value SendToMany(const Napi::CallbackInfo& info);
  Napi::Value SendStray(const Napi::CallbackInfo& info);
  Napi::Value SendRuns(const Napi::CallbackInfo& info);
  Napi::Value SendControl(const Napi::CallbackInfo& info);
  Napi::Value AddConnection(const Napi::CallbackInfo& info);
  Napi::Value RemoveConnection(const Napi::CallbackInfo& info);
  Napi::Value PathOf(const Napi::CallbackInfo& info);
  Napi::Value UsePath(const Napi::CallbackInfo& info);
  Napi::Value AddressOf(const Napi::CallbackInfo& info);
  Napi::Value SourceOf(const Napi::CallbackInfo& info);
  Napi::Value Features(const Napi::CallbackInfo& info);
  Napi::Value BoundAddress(const Napi::CallbackInfo& info);
  Napi::Value Counters(const Napi::CallbackInfo& info);
  Napi::Value IsFull(const Napi::CallbackInfo& info);
  Napi::Value CloseNow(const Napi::CallbackInfo& info);

  void Open(const UdpOptions& options);
  void Close();
  bool IsOpen() const { return fd_.Valid(); }

  void OnReady(int status, int events);
  void OnDeadline();
  int WatchedEvents() const;
  void ReadErrors();
  void ReceiveAll();
  void Deliver();
  void DeliverPackets();
  void DeliverDatagrams();
  /** Runs in `fields_` to the handler. */
  void HandOver(size_t runs);
  bool FindMemory();
  void ArmDeadline();

  /** Ends a batch of sends: what follows from a full queue and from a socket that is broken. */
  void AfterSending();
  /** Below a call of JavaScript. */
  void Fail(int error, const char* syscall);
  /** From the loop: what the handler leaves for the next tick runs, too. */
  void FailInLoop(int error, const char* syscall);
  /** From the loop; what it throws is an uncaught exception. */
  void Call(Handler handler, std::initializer_list<napi_value> arguments);
  void CallInLoop(napi_value self, napi_value function, size_t count, const napi_value* arguments);

  UniqueFd fd_;
  UniqueFd deadline_;
  Address bound_;
  bool packets_ = false;
  int family_ = AF_INET;
  UdpFeatures features_;
  UdpCounters counters_;
  std::unique_ptr<UdpSender> sender_;
  std::unique_ptr<UdpReceiver> receiver_;
  UdpConnections connections_;
  PacketReader reader_{connections_, counters_};
  DatagramReader datagrams_;
  Pieces pieces_;

  LoopPoller* poller_ = nullptr;
  LoopPoller* deadlinePoller_ = nullptr;
  bool isStarted_ = false;
  bool wantsWritable_ = false;
  bool isDeadlineSet_ = false;
  size_t runsOfTurn_ = 0;
  uint64_t coalesceMessages_ = 0;
  uint64_t coalesceNs_ = 0;

  Napi::ObjectReference slabReference_;
  Napi::ObjectReference fieldsReference_;
  uint8_t* slab_ = nullptr;
  double* fields_ = nullptr;
  size_t mostFields_ = 0;
  Napi::FunctionReference handlers_[kHandlers];
  std::unique_ptr<Napi::AsyncContext> context_;
};

}  // namespace xfer
