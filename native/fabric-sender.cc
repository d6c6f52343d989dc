#include "fabric-sender.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fabric-error.h"

namespace xfer::fabric {

namespace {

/** More would not be faster: a large message takes milliseconds, a small one microseconds. */
constexpr size_t kMostSlots = 128;
constexpr size_t kLeastSlots = 16;
/** Large messages that are copied wait for one another past these. */
constexpr int kBounces = 4;

size_t SlotsFor(const EndpointOptions& options, size_t provider) {
  const size_t wanted = options.smallCount + options.largeCount + kCreditBuffers;
  return std::min(std::clamp(wanted, kLeastSlots, kMostSlots), std::max<size_t>(provider, 1));
}

}  // namespace

Sender::Sender(const Resources& resources, RegisteredMemory& memory, const EndpointOptions& options)
    : resources_(resources),
      memory_(memory),
      sendFault_(options.faults.send),
      completionFault_(options.faults.completion),
      copyBytes_(options.smallBytes) {
  slots_.resize(SlotsFor(options, resources.info->tx_attr->size));
  for (size_t i = slots_.size(); i-- > 0;) {
    slots_[i].operation.index = static_cast<uint32_t>(i);
    free_.push_back(static_cast<uint32_t>(i));
  }
  headStride_ = RoundUp(std::max(copyBytes_, kHeaderBytes + kMaxHeadBytes), kCacheLineBytes);
}

Failure Sender::Open() {
  Failure failure;
  heads_ = memory_.Add(slots_.size() * headStride_, failure);
  if (!failure) memory_.Find(heads_.memory.get(), heads_.bytes, &headDescriptor_);
  return failure;
}

void Sender::Connect(const Peer& peer, fi_addr_t to) {
  small_.Begin(peer.smallCount);
  large_.Begin(peer.largeCount);
  smallBytes_ = peer.smallBytes;
  largeBytes_ = std::min(peer.largeBytes, resources_.info->ep_attr->max_msg_size);
  smallTag_ = peer.tag << kTagShift | kSmallTag;
  largeTag_ = peer.tag << kTagShift | kLargeTag;
  to_ = to;
}

void Sender::Queue(uint64_t token, const uint8_t* head, size_t headBytes, const std::vector<Piece>& pieces) {
  queue_.emplace_back();
  Message& message = queue_.back();
  message.token = token;
  message.headBytes = std::min(headBytes, kMaxHeadBytes);
  if (message.headBytes > 0) std::memcpy(message.head.data(), head, message.headBytes);
  message.bytes = kHeaderBytes + message.headBytes;
  message.pieces.reserve(pieces.size());
  for (const Piece& piece : pieces) {
    if (piece.count == 0) continue;
    message.pieces.push_back(piece);
    message.bytes += piece.count;
  }
}

void Sender::Start(uint8_t* to, Receiver& receiver, const Message& message, uint16_t flags) {
  Header header;
  header.sequence = sequence_;
  header.smallGranted = receiver.SmallCredit().Granted();
  header.largeGranted = receiver.LargeCredit().Granted();
  header.flags = flags;
  header.headBytes = static_cast<uint16_t>(message.headBytes);
  WriteHeader(to, header);
  if (message.headBytes > 0) std::memcpy(to + kHeaderBytes, message.head.data(), message.headBytes);
}

bool Sender::GatherInPlace(const Message& message, uint32_t slot) {
  const size_t limit = resources_.info->tx_attr->iov_limit;
  if (message.pieces.size() + 1 > limit) return false;
  gathered_.pieces.assign(1, {BlockOf(slot), kHeaderBytes + message.headBytes});
  gathered_.descriptors.assign(1, headDescriptor_);
  for (const Piece& piece : message.pieces) {
    void* descriptor = nullptr;
    if (!memory_.Find(piece.bytes, piece.count, &descriptor)) return false;
    // What libfabric reads through an iovec it does not write.
    gathered_.pieces.push_back({const_cast<uint8_t*>(piece.bytes), piece.count});
    gathered_.descriptors.push_back(descriptor);
  }
  return true;
}

uint8_t* Sender::Bounce(Failure& failure) {
  if (!bounces_.memory) {
    bounceStride_ = RoundUp(largeBytes_, kPageBytes);
    bounces_ = memory_.Add(kBounces * bounceStride_, failure);
    if (failure) return nullptr;
    memory_.Find(bounces_.memory.get(), bounces_.bytes, &bounceDescriptor_);
    for (int i = 0; i < kBounces; i++) freeBounces_.push_back(i);
  }
  if (freeBounces_.empty()) return nullptr;
  gathered_.bounce = freeBounces_.back();
  return bounces_.memory.get() + static_cast<size_t>(gathered_.bounce) * bounceStride_;
}

bool Sender::Gather(const Message& message, uint32_t slot, Failure& failure) {
  gathered_.bounce = -1;
  gathered_.isCopied = message.bytes <= copyBytes_ || !GatherInPlace(message, slot);
  if (!gathered_.isCopied) return true;
  uint8_t* to = message.bytes <= headStride_ ? BlockOf(slot) : Bounce(failure);
  if (to == nullptr) return false;
  gathered_.pieces.assign(1, {to, message.bytes});
  gathered_.descriptors.assign(1, gathered_.bounce < 0 ? headDescriptor_ : bounceDescriptor_);
  to += kHeaderBytes + message.headBytes;
  for (const Piece& piece : message.pieces) {
    std::memcpy(to, piece.bytes, piece.count);
    to += piece.count;
  }
  return true;
}

ssize_t Sender::Post(uint32_t slot, uint64_t tag) {
  if (given_ + 1 == sendFault_.at) return -sendFault_.error;
  fi_context2* context = &slots_[slot].operation.context;
  fid_ep* endpoint = resources_.endpoint.get();
  if (gathered_.pieces.size() == 1) {
    return fi_tsend(endpoint, gathered_.pieces[0].iov_base, gathered_.pieces[0].iov_len, gathered_.descriptors[0], to_, tag, context);
  }
  return fi_tsendv(endpoint, gathered_.pieces.data(), gathered_.descriptors.data(), gathered_.pieces.size(), to_, tag, context);
}

void Sender::Posted(uint32_t slot, Receiver& receiver, const Message& message) {
  Slot& taken = slots_[slot];
  taken.serial = ++given_;
  taken.token = message.token;
  taken.bounce = gathered_.bounce;
  if (taken.bounce >= 0) freeBounces_.pop_back();
  free_.pop_back();
  sequence_++;
  receiver.SmallCredit().Tell();
  receiver.LargeCredit().Tell();
}

Failure Sender::Flush(Receiver& receiver, std::vector<Event>& events) {
  isRefused_ = false;
  while (!queue_.empty() && !free_.empty()) {
    const Message& message = queue_.front();
    const bool isSmall = IsSmall(message.bytes);
    SendCredit& credit = isSmall ? small_ : large_;
    if (!isSmall && message.bytes > largeBytes_) {
      return {EMSGSIZE, "a message of " + std::to_string(message.bytes) + " bytes: the other side takes " + std::to_string(largeBytes_)};
    }
    if (credit.Room() == 0) break;
    const uint32_t slot = free_.back();
    Failure failure;
    if (!Gather(message, slot, failure)) {
      if (failure) return failure;
      break;
    }
    Start(static_cast<uint8_t*>(gathered_.pieces[0].iov_base), receiver, message, 0);
    const ssize_t result = Post(slot, isSmall ? smallTag_ : largeTag_);
    isRefused_ = result == -FI_EAGAIN;
    if (isRefused_) return {};
    if (result != 0) return CallFailure(resources_.provider, "fi_tsend", result);
    credit.Spend();
    Posted(slot, receiver, message);
    messages_++;
    slots_[slot].ownsToken = !gathered_.isCopied;
    if (gathered_.isCopied) {
      events.push_back({Event::Kind::kSent, message.token, 0, 0, isSmall});
      if (!isSmall) copied_ += message.bytes - kHeaderBytes - message.headBytes;
    }
    if (!isSmall && !message.pieces.empty()) {
      const iovec& last = gathered_.pieces.back();
      lastPieceAddress_ = reinterpret_cast<uintptr_t>(last.iov_base);
      lastPieceBytes_ = last.iov_len;
    }
    queue_.pop_front();
  }
  return FlushCredit(receiver);
}

Failure Sender::FlushCredit(Receiver& receiver) {
  if (free_.empty() || !(receiver.SmallCredit().IsDue() || receiver.LargeCredit().IsDue())) return {};
  const uint32_t slot = free_.back();
  const Message none = {};
  gathered_.bounce = -1;
  gathered_.pieces.assign(1, {BlockOf(slot), kHeaderBytes});
  gathered_.descriptors.assign(1, headDescriptor_);
  Start(BlockOf(slot), receiver, none, kCreditOnly);
  const ssize_t result = Post(slot, smallTag_);
  isRefused_ = result == -FI_EAGAIN;
  if (isRefused_) return {};
  if (result != 0) return CallFailure(resources_.provider, "fi_tsend", result);
  Posted(slot, receiver, none);
  slots_[slot].ownsToken = false;
  creditMessages_++;
  return {};
}

Failure Sender::Completed(const Operation& operation, std::vector<Event>& events) {
  Slot& slot = slots_[operation.index];
  if (slot.ownsToken) events.push_back({Event::Kind::kSent, slot.token});
  if (slot.bounce >= 0) freeBounces_.push_back(slot.bounce);
  slot.ownsToken = false;
  slot.bounce = -1;
  free_.push_back(operation.index);
  if (slot.serial == completionFault_.at) return MadeUpFailure(resources_.provider, "sending", completionFault_.error);
  return {};
}

void Sender::Count(Endpoint::Stats& stats) const {
  stats.messagesSent += messages_;
  stats.creditMessages += creditMessages_;
  stats.copiedBytes += copied_;
  stats.lastPieceAddress = lastPieceAddress_;
  stats.lastPieceBytes = lastPieceBytes_;
}

}  // namespace xfer::fabric
