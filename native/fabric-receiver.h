#pragma once
#include <vector>

#include "fabric-credit.h"
#include "fabric-endpoint.h"
#include "fabric-memory.h"
#include "fabric-resources.h"
#include "fabric-wire.h"

namespace xfer::fabric {

/**
 * Posted buffers of both sizes, and the order of what arrives. Messages of one endpoint complete in any order and are
 * numbered, so those that came early are held: no more than are posted.
 */
class Receiver {
 public:
  Receiver(const Resources& resources, const EndpointOptions& options, uint64_t tag);

  /** Maps, registers and posts all. */
  Failure Open(RegisteredMemory& memory);

  /** A buffer was filled. What cannot be of the other side is a failure. */
  Failure Arrived(const Operation& operation, size_t bytes);

  /** What may go on in its order: grants to `small` and `large`, messages to `events`. */
  Failure Deliver(SendCredit& small, SendCredit& large, std::vector<Event>& events);

  /** From whoever got it in an event; anything else is ignored. */
  void Release(bool isLarge, uint32_t block);

  /** Posts what was released. */
  Failure Post();
  /** Released, and the provider had no room for it. */
  bool IsWaiting() const { return !small_.free.empty() || !large_.free.empty(); }

  /** Gives all of it up: its memory is about to be unregistered. */
  void Cancel(fid_ep* endpoint);

  ReceiveCredit& SmallCredit() { return small_.credit; }
  ReceiveCredit& LargeCredit() { return large_.credit; }
  const Slab& SmallSlab() const { return small_.slab; }
  const Slab& LargeSlab() const { return large_.slab; }
  uint32_t SmallPosted() const { return small_.posted; }
  uint32_t LargePosted() const { return large_.posted; }
  uint64_t Messages() const { return messages_; }
  uint64_t CreditMessages() const { return creditMessages_; }

 private:
  enum class State : uint8_t { kFree, kPosted, kHeld, kWithCaller };
  struct Block {
    Operation operation;
    State state = State::kFree;
    bool isCredited = false;
  };
  struct Size {
    size_t bytes = 0;
    size_t stride = 0;
    size_t lead = 0;
    uint64_t tag = 0;
    Slab slab;
    void* descriptor = nullptr;
    ReceiveCredit credit;
    uint32_t posted = 0;
    std::vector<Block> blocks;
    std::vector<uint32_t> free;
  };
  struct Held {
    bool isThere = false;
    bool isLarge = false;
    uint32_t block = 0;
    size_t bytes = 0;
    Header header;
  };

  void Lay(Size& size, Operation::Kind kind, size_t blocks);
  Failure Open(Size& size, RegisteredMemory& memory);
  Failure Post(Size& size);
  Failure Take(const Held& held, SendCredit& small, SendCredit& large, std::vector<Event>& events);
  static size_t OffsetOf(const Size& size, uint32_t block) { return size.lead + block * size.stride; }

  const Resources& resources_;
  Fault fault_;
  Size small_;
  Size large_;
  /** By number, as many as there are buffers, a power of two. */
  std::vector<Held> held_;
  uint32_t next_ = 0;
  uint64_t arrived_ = 0;
  uint64_t messages_ = 0;
  uint64_t creditMessages_ = 0;
};

}  // namespace xfer::fabric
