#pragma once
#include <array>
#include <deque>
#include <vector>

#include "fabric-credit.h"
#include "fabric-endpoint.h"
#include "fabric-memory.h"
#include "fabric-receiver.h"
#include "fabric-resources.h"
#include "fabric-wire.h"

namespace xfer::fabric {

/**
 * Messages on their way: a queue, and slots for what the provider has. Small ones, and those that libfabric could not gather from
 * registered memory, are copied first; the rest goes from where it lies.
 */
class Sender {
 public:
  Sender(const Resources& resources, RegisteredMemory& memory, const EndpointOptions& options);

  Failure Open();
  void Connect(const Peer& peer, fi_addr_t to);

  void Queue(uint64_t token, const uint8_t* head, size_t headBytes, const std::vector<Piece>& pieces);
  /** As much of the queue as there is credit, slots and room at the provider for, then credit alone where it is due. */
  Failure Flush(Receiver& receiver, std::vector<Event>& events);
  Failure Completed(const Operation& operation, std::vector<Event>& events);

  SendCredit& SmallCredit() { return small_; }
  SendCredit& LargeCredit() { return large_; }
  const SendCredit& SmallCredit() const { return small_; }
  const SendCredit& LargeCredit() const { return large_; }
  /** The provider had no room at the last Flush: no completion may tell when it has. */
  bool IsRefused() const { return isRefused_; }
  size_t Unsent() const { return queue_.size() + (slots_.size() - free_.size()); }
  /** Adds what it counts. */
  void Count(Endpoint::Stats& stats) const;

 private:
  struct Message {
    uint64_t token = 0;
    std::array<uint8_t, kMaxHeadBytes> head;
    size_t headBytes = 0;
    /** Header and head included. */
    size_t bytes = 0;
    std::vector<Piece> pieces;
  };
  struct Slot {
    Operation operation;
    uint64_t serial = 0;
    uint64_t token = 0;
    /** Whether kSent comes with the completion. */
    bool ownsToken = false;
    int bounce = -1;
  };
  /** What one operation is given. */
  struct Gathered {
    std::vector<iovec> pieces;
    std::vector<void*> descriptors;
    bool isCopied = false;
    int bounce = -1;
  };

  bool IsSmall(size_t bytes) const { return bytes <= smallBytes_; }
  uint8_t* BlockOf(uint32_t slot) const { return heads_.memory.get() + slot * headStride_; }
  void Start(uint8_t* to, Receiver& receiver, const Message& message, uint16_t flags);
  /** False: no memory to copy to is free. */
  bool Gather(const Message& message, uint32_t slot, Failure& failure);
  bool GatherInPlace(const Message& message, uint32_t slot);
  uint8_t* Bounce(Failure& failure);
  /** 0, -FI_EAGAIN or another error. */
  ssize_t Post(uint32_t slot, uint64_t tag);
  void Posted(uint32_t slot, Receiver& receiver, const Message& message);
  Failure FlushCredit(Receiver& receiver);

  const Resources& resources_;
  RegisteredMemory& memory_;
  const Fault sendFault_;
  const Fault completionFault_;
  const size_t copyBytes_;

  SendCredit small_;
  SendCredit large_;
  size_t smallBytes_ = 0;
  size_t largeBytes_ = 0;
  uint64_t smallTag_ = 0;
  uint64_t largeTag_ = 0;
  fi_addr_t to_ = FI_ADDR_UNSPEC;

  std::deque<Message> queue_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  /** A block a slot: header and head of what is gathered, or all of a small message. */
  Slab heads_;
  size_t headStride_ = 0;
  void* headDescriptor_ = nullptr;
  /** For large messages that are copied; there from the first of them. */
  Slab bounces_;
  size_t bounceStride_ = 0;
  void* bounceDescriptor_ = nullptr;
  std::vector<int> freeBounces_;
  Gathered gathered_;

  uint32_t sequence_ = 0;
  uint64_t given_ = 0;
  uint64_t messages_ = 0;
  uint64_t creditMessages_ = 0;
  uint64_t copied_ = 0;
  uintptr_t lastPieceAddress_ = 0;
  size_t lastPieceBytes_ = 0;
  bool isRefused_ = false;
};

}  // namespace xfer::fabric
