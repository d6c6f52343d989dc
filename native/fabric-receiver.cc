#include "fabric-receiver.h"

#include <string>

#include "fabric-error.h"

namespace xfer::fabric {

Receiver::Receiver(const Resources& resources, const EndpointOptions& options, uint64_t tag)
    : resources_(resources), fault_(options.faults.receive) {
  small_.bytes = options.smallBytes;
  small_.stride = RoundUp(options.smallBytes, kCacheLineBytes);
  small_.tag = tag << kTagShift | kSmallTag;
  large_.bytes = options.largeBytes;
  // So that byte largeLeadBytes of each block begins a page.
  large_.lead = (kPageBytes - options.largeLeadBytes % kPageBytes) % kPageBytes;
  large_.stride = RoundUp(options.largeBytes, kPageBytes);
  large_.tag = tag << kTagShift | kLargeTag;
  Lay(small_, Operation::Kind::kReceiveSmall, options.smallCount + kCreditBuffers);
  Lay(large_, Operation::Kind::kReceiveLarge, options.largeCount);
  small_.credit.Begin(static_cast<uint32_t>(options.smallCount));
  large_.credit.Begin(static_cast<uint32_t>(options.largeCount));
  size_t window = 1;
  while (window < small_.blocks.size() + large_.blocks.size()) window *= 2;
  held_.resize(window);
}

void Receiver::Lay(Size& size, Operation::Kind kind, size_t blocks) {
  size.blocks.resize(blocks);
  // The first block is posted first.
  for (size_t i = blocks; i-- > 0;) {
    size.blocks[i].operation.kind = kind;
    size.blocks[i].operation.index = static_cast<uint32_t>(i);
    size.free.push_back(static_cast<uint32_t>(i));
  }
}

Failure Receiver::Open(Size& size, RegisteredMemory& memory) {
  Failure failure;
  size.slab = memory.Add(size.lead + size.blocks.size() * size.stride, failure);
  if (failure) return failure;
  memory.Find(size.slab.memory.get(), size.slab.bytes, &size.descriptor);
  failure = Post(size);
  // The other side may fill all of them from the beginning.
  if (!failure && !size.free.empty()) return CallFailure(resources_.provider, "fi_trecv", -FI_EAGAIN);
  return failure;
}

Failure Receiver::Open(RegisteredMemory& memory) {
  Failure failure = Open(small_, memory);
  return failure ? failure : Open(large_, memory);
}

Failure Receiver::Post(Size& size) {
  while (!size.free.empty()) {
    const uint32_t index = size.free.back();
    Block& block = size.blocks[index];
    const ssize_t result = fi_trecv(resources_.endpoint.get(), size.slab.memory.get() + OffsetOf(size, index), size.bytes, size.descriptor,
                                    FI_ADDR_UNSPEC, size.tag, 0, &block.operation.context);
    if (result == -FI_EAGAIN) break;
    if (result != 0) return CallFailure(resources_.provider, "fi_trecv", result);
    size.free.pop_back();
    size.posted++;
    block.state = State::kPosted;
    if (block.isCredited) size.credit.Posted();
    block.isCredited = false;
  }
  return {};
}

Failure Receiver::Post() {
  Failure failure = Post(small_);
  return failure ? failure : Post(large_);
}

Failure Receiver::Arrived(const Operation& operation, size_t bytes) {
  Held held;
  held.isLarge = operation.kind == Operation::Kind::kReceiveLarge;
  held.block = operation.index;
  held.bytes = bytes;
  Size& size = held.isLarge ? large_ : small_;
  Block& block = size.blocks[held.block];
  block.state = State::kHeld;
  size.posted--;
  if (++arrived_ == fault_.at) return MadeUpFailure(resources_.provider, "receiving", fault_.error);
  if (bytes < kHeaderBytes) return Malformed("a message of " + std::to_string(bytes) + " bytes");
  if (bytes > size.bytes) return Malformed("a message that is longer than its buffer");
  held.header = ReadHeader(size.slab.memory.get() + OffsetOf(size, held.block));
  const bool isCredit = held.header.flags == kCreditOnly;
  if (held.header.flags != 0 && !isCredit) return Malformed("unknown flags of a message");
  if (isCredit && (held.isLarge || bytes != kHeaderBytes || held.header.headBytes != 0)) return Malformed("credit with content");
  if (held.header.headBytes > kMaxHeadBytes || held.header.headBytes > bytes - kHeaderBytes) {
    return Malformed("a head of " + std::to_string(held.header.headBytes) + " bytes in a message of " + std::to_string(bytes));
  }
  if (held.header.sequence - next_ >= small_.blocks.size() + large_.blocks.size()) return Malformed("a message out of its number");
  Held& place = held_[held.header.sequence & (held_.size() - 1)];
  if (place.isThere) return Malformed("two messages of one number");
  held.isThere = true;
  place = held;
  return {};
}

Failure Receiver::Take(const Held& held, SendCredit& small, SendCredit& large, std::vector<Event>& events) {
  Size& size = held.isLarge ? large_ : small_;
  Block& block = size.blocks[held.block];
  if (!small.IsPossible(held.header.smallGranted) || !large.IsPossible(held.header.largeGranted)) return Malformed("credit that cannot be");
  small.Grant(held.header.smallGranted);
  large.Grant(held.header.largeGranted);
  if (held.header.flags == kCreditOnly) {
    creditMessages_++;
    block.state = State::kFree;
    size.free.push_back(held.block);
    return {};
  }
  if (!size.credit.Receive()) return Malformed("a message without credit");
  messages_++;
  block.state = State::kWithCaller;
  events.push_back({held.isLarge ? Event::Kind::kLarge : Event::Kind::kSmall, held.block, OffsetOf(size, held.block) + kHeaderBytes,
                    held.bytes - kHeaderBytes});
  return {};
}

Failure Receiver::Deliver(SendCredit& small, SendCredit& large, std::vector<Event>& events) {
  const uint32_t before = small.Granted();
  const uint32_t beforeLarge = large.Granted();
  Failure failure;
  for (;;) {
    Held& place = held_[next_ & (held_.size() - 1)];
    if (!place.isThere) break;
    place.isThere = false;
    next_++;
    failure = Take(place, small, large, events);
    if (failure) break;
  }
  if (small.Granted() != before || large.Granted() != beforeLarge) events.push_back({Event::Kind::kCredit});
  return failure;
}

void Receiver::Release(bool isLarge, uint32_t block) {
  Size& size = isLarge ? large_ : small_;
  if (block >= size.blocks.size() || size.blocks[block].state != State::kWithCaller) return;
  size.blocks[block].state = State::kFree;
  size.blocks[block].isCredited = true;
  size.free.push_back(block);
}

void Receiver::Cancel(fid_ep* endpoint) {
  for (Size* size : {&small_, &large_}) {
    for (Block& block : size->blocks) {
      if (block.state == State::kPosted) fi_cancel(&endpoint->fid, &block.operation.context);
    }
  }
}

}  // namespace xfer::fabric
