#include "fabric-endpoint.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "fabric-error.h"
#include "fabric-info.h"
#include "fabric-limits.h"
#include "fabric-neighbours.h"
#include "fabric-opening-turn.h"
#include "fabric-receiver.h"
#include "fabric-sender.h"
#include "fabric-shm.h"

namespace xfer::fabric {

namespace {

constexpr size_t kMaxAddressBytes = 256;
constexpr size_t kLeastBytes = kHeaderBytes + kMaxHeadBytes;
/** Of buffers and of their sizes: far past what is of use, and their products are far from overflowing. */
constexpr size_t kMostCount = 1 << 16;
constexpr size_t kMostBytes = size_t{1} << 30;
/** A turn ends after so many completions, so that what they allow goes out. */
constexpr size_t kBatch = 32;
constexpr int kBatches = 4;

bool AreSizesPossible(size_t smallBytes, size_t largeBytes, size_t smallCount, size_t largeCount) {
  return smallBytes >= kLeastBytes && largeBytes >= smallBytes && largeBytes <= kMostBytes && smallCount >= 1 && smallCount <= kMostCount &&
         largeCount >= 1 && largeCount <= kMostCount;
}

class FabricEndpoint final : public Endpoint {
 public:
  FabricEndpoint() = default;
  ~FabricEndpoint() override;

  Failure Start(const EndpointOptions& options);

  const std::vector<uint8_t>& Address() const override { return address_; }
  uint64_t Tag() const override { return tag_; }
  Failure Connect(const Peer& peer) override;
  uint32_t SmallGranted() const override { return sender_->SmallCredit().Granted(); }
  uint32_t LargeGranted() const override { return sender_->LargeCredit().Granted(); }
  void Send(uint64_t token, const uint8_t* head, size_t headBytes, const std::vector<Piece>& pieces) override;
  void Release(bool isLarge, uint32_t block) override { receiver_->Release(isLarge, block); }
  bool Poll(std::vector<Event>& events) override;
  int WaitFd() const override { return resources_.waitFd; }
  bool MayWait() override;
  std::shared_ptr<uint8_t> Region(size_t bytes, Failure& failure) override { return memory_->Add(bytes, failure).memory; }
  std::shared_ptr<uint8_t> SmallMemory(size_t& bytes) const override;
  std::shared_ptr<uint8_t> LargeMemory(size_t& bytes) const override;
  size_t Unsent() const override { return sender_->Unsent(); }
  const Failure& Broken() const override { return broken_; }
  const Features& What() const override { return features_; }
  Stats Counters() const override;

 private:
  Failure FindAddress();
  bool IsAddressPossible(const std::vector<uint8_t>& address) const;
  Failure Complete(std::vector<Event>& events);
  Failure Turn(std::vector<Event>& events);
  Failure TurnBesideNeighbour(std::vector<Event>& events);
  /** Ends what is under way here, so that nothing is left to go on while it closes. */
  void Settle();
  /** Whether an operation that was under way is over; `isReceive` of which kind. */
  bool TakeEnded(bool& isReceive);
  /** All of libfabric's, within the turn. */
  void Close();
  void CloseEndpoint();

  std::unique_ptr<Receiver> receiver_;
  std::unique_ptr<Sender> sender_;
  std::unique_ptr<RegisteredMemory> memory_;
  /** Last of all, so closed before the contexts of its operations go. */
  Resources resources_;
  std::vector<uint8_t> address_;
  uint64_t tag_ = 0;
  bool isConnected_ = false;
  /** Of shm: itself, and its peer where that is of this process too. */
  std::shared_ptr<Neighbour> self_;
  std::shared_ptr<Neighbour> neighbour_;
  Features features_;
  Failure broken_;
};

Failure FabricEndpoint::Start(const EndpointOptions& options) {
  if (!AreSizesPossible(options.smallBytes, options.largeBytes, options.smallCount, options.largeCount) ||
      options.largeLeadBytes > options.largeBytes) {
    return {EINVAL, "sizes and counts of buffers that cannot be"};
  }
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) return {errno, "no randomness"};
  tag_ = random >> kTagShift;

  Failure failure;
  const size_t buffers = options.smallCount + kCreditBuffers + options.largeCount;
  if (!resources_.Open(options, buffers * 2 + kBatch, failure)) return failure;
  const fi_info& info = *resources_.info;
  if (buffers > info.rx_attr->size) {
    return {EINVAL, resources_.provider + ": " + std::to_string(buffers) + " receive buffers: it takes " + std::to_string(info.rx_attr->size)};
  }
  if (options.largeBytes > info.ep_attr->max_msg_size) {
    return {EMSGSIZE, resources_.provider + ": messages are at most " + std::to_string(info.ep_attr->max_msg_size) + " bytes"};
  }
  failure = FindAddress();
  if (failure) return failure;
  if (IsShm(resources_.provider)) self_ = Neighbours::All().Enter(address_);
  memory_ = std::make_unique<RegisteredMemory>(resources_.domain.get(), resources_.endpoint.get(), info, options.faults.registration);
  receiver_ = std::make_unique<Receiver>(resources_, options, tag_);
  sender_ = std::make_unique<Sender>(resources_, *memory_, options);
  failure = receiver_->Open(*memory_);
  if (!failure) failure = sender_->Open();
  features_.provider = resources_.provider;
  features_.maxMessageBytes = info.ep_attr->max_msg_size;
  features_.injectBytes = info.tx_attr->inject_size;
  features_.hasHugePages = memory_->HasHugePages();
  features_.needsRegistration = (info.domain_attr->mr_mode & FI_MR_LOCAL) != 0;
  return failure;
}

FabricEndpoint::~FabricEndpoint() {
  // Of the memory of an shm peer nothing is read any more: it may be gone.
  if (!self_ && receiver_ && resources_.endpoint) Settle();
  const OpeningTurn turn;
  if (!self_) {
    Close();
    return;
  }
  self_->isGone = true;
  Neighbours::All().Leave(address_);
  const std::lock_guard<std::mutex> lock(self_->mutex);
  Close();
}

// ofi_rxm of 1.17 goes on, with a connection that it has just closed, with what had completed before: it would
// acknowledge a message that was read from the other side, say, and uses what is freed. So buffers are called off, and
// those that a message is being read into have some time to get it.
void FabricEndpoint::Settle() {
  receiver_->Cancel(resources_.endpoint.get());
  size_t posted = receiver_->SmallPosted() + receiver_->LargePosted();
  const auto until = std::chrono::steady_clock::now() + kMostSettle;
  while (posted > 0 && std::chrono::steady_clock::now() < until) {
    bool isReceive = false;
    if (!TakeEnded(isReceive)) {
      std::this_thread::yield();
    } else if (isReceive) {
      posted--;
    }
  }
  bool isReceive = false;
  while (TakeEnded(isReceive) && std::chrono::steady_clock::now() < until) continue;
}

bool FabricEndpoint::TakeEnded(bool& isReceive) {
  fi_cq_msg_entry entry = {};
  const ssize_t count = fi_cq_read(resources_.queue.get(), &entry, 1);
  if (count == -FI_EAVAIL) {
    fi_cq_err_entry error = {};
    if (fi_cq_readerr(resources_.queue.get(), &error, 0) != 1) return false;
    entry.op_context = error.op_context;
  } else if (count != 1) {
    return false;
  }
  isReceive = entry.op_context != nullptr && static_cast<const Operation*>(entry.op_context)->kind != Operation::Kind::kSend;
  return true;
}

void FabricEndpoint::Close() {
  if (resources_.endpoint && memory_) CloseEndpoint();
  resources_.Close();
}

void FabricEndpoint::CloseEndpoint() {
  if ((resources_.info->domain_attr->mr_mode & FI_MR_ENDPOINT) != 0) {
    // Such an endpoint does not close while memory is bound to it.
    if (receiver_) receiver_->Cancel(resources_.endpoint.get());
    memory_->Clear();
  }
  resources_.endpoint.reset();
  memory_->Clear();
}

Failure FabricEndpoint::FindAddress() {
  size_t bytes = kMaxAddressBytes;
  address_.resize(bytes);
  const int result = fi_getname(&resources_.endpoint->fid, address_.data(), &bytes);
  if (result != 0) return CallFailure(resources_.provider, "fi_getname", result);
  address_.resize(bytes);
  return {};
}

bool FabricEndpoint::IsAddressPossible(const std::vector<uint8_t>& address) const {
  if (address.empty() || address.size() > kMaxAddressBytes) return false;
  if (IsShm(resources_.provider)) {
    return address.back() == 0 && IsShmAddress(std::string(address.begin(), address.end() - 1));
  }
  if (address.size() != address_.size()) return false;
  // libfabric trusts the family of a socket's address.
  return !IsOverIp(resources_.provider) || std::memcmp(address.data(), address_.data(), sizeof(uint16_t)) == 0;
}

Failure FabricEndpoint::Connect(const Peer& peer) {
  if (isConnected_) return {EISCONN, "connected before"};
  if (!IsAddressPossible(peer.address)) return Malformed("an address that is none of " + resources_.provider);
  if (peer.tag >> (64 - kTagShift) != 0) return Malformed("a tag of more than 56 bits");
  if (!AreSizesPossible(peer.smallBytes, peer.largeBytes, peer.smallCount, peer.largeCount)) {
    return Malformed("sizes and counts of buffers");
  }
  fi_addr_t to = FI_ADDR_UNSPEC;
  const int added = fi_av_insert(resources_.addresses.get(), peer.address.data(), 1, &to, 0, nullptr);
  if (added != 1) return CallFailure(resources_.provider, "fi_av_insert", added < 0 ? added : -FI_EADDRNOTAVAIL);
  sender_->Connect(peer, to);
  if (self_) neighbour_ = Neighbours::All().Find(peer.address);
  isConnected_ = true;
  return {};
}

void FabricEndpoint::Send(uint64_t token, const uint8_t* head, size_t headBytes, const std::vector<Piece>& pieces) {
  sender_->Queue(token, head, headBytes, pieces);
}

Failure FabricEndpoint::Complete(std::vector<Event>& events) {
  fi_cq_msg_entry entries[kBatch];
  for (int batch = 0; batch < kBatches; batch++) {
    const ssize_t count = fi_cq_read(resources_.queue.get(), entries, kBatch);
    if (count == -FI_EAGAIN || count == 0) return {};
    if (count == -FI_EAVAIL) return CompletionFailure(resources_.provider, resources_.queue.get(), "an operation failed");
    if (count < 0) return CallFailure(resources_.provider, "fi_cq_read", count);
    for (ssize_t i = 0; i < count; i++) {
      if (entries[i].op_context == nullptr) continue;
      // An fi_context2 is the first member of its Operation.
      const auto& operation = *static_cast<const Operation*>(entries[i].op_context);
      const Failure failure = operation.kind == Operation::Kind::kSend ? sender_->Completed(operation, events)
                                                                       : receiver_->Arrived(operation, entries[i].len);
      if (failure) return failure;
    }
    if (static_cast<size_t>(count) < kBatch) return {};
  }
  return {};
}

Failure FabricEndpoint::Turn(std::vector<Event>& events) {
  Failure failure = Complete(events);
  // Before it is known what the other side has, its credit means nothing.
  if (failure || !isConnected_) return failure;
  failure = receiver_->Deliver(sender_->SmallCredit(), sender_->LargeCredit(), events);
  if (!failure) failure = receiver_->Post();
  return failure ? failure : sender_->Flush(*receiver_, events);
}

Failure FabricEndpoint::TurnBesideNeighbour(std::vector<Event>& events) {
  const Failure gone = {ECONNRESET, resources_.provider + ": the other endpoint is closed"};
  if (neighbour_->isGone) return gone;
  const std::lock_guard<std::mutex> lock(neighbour_->mutex);
  return neighbour_->isGone ? gone : Turn(events);
}

bool FabricEndpoint::Poll(std::vector<Event>& events) {
  if (broken_) return false;
  const size_t before = events.size();
  broken_ = neighbour_ ? TurnBesideNeighbour(events) : Turn(events);
  if (broken_) events.push_back({Event::Kind::kFailed});
  return events.size() > before;
}

bool FabricEndpoint::MayWait() {
  if (broken_) return true;
  if (resources_.waitFd < 0 || sender_->IsRefused() || receiver_->IsWaiting()) return false;
  fid* fids[] = {&resources_.queue->fid};
  return fi_trywait(resources_.fabric.get(), fids, 1) == 0;
}

std::shared_ptr<uint8_t> FabricEndpoint::SmallMemory(size_t& bytes) const {
  bytes = receiver_->SmallSlab().bytes;
  return receiver_->SmallSlab().memory;
}

std::shared_ptr<uint8_t> FabricEndpoint::LargeMemory(size_t& bytes) const {
  bytes = receiver_->LargeSlab().bytes;
  return receiver_->LargeSlab().memory;
}

Endpoint::Stats FabricEndpoint::Counters() const {
  Stats stats;
  sender_->Count(stats);
  stats.messagesReceived = receiver_->Messages();
  stats.creditMessages += receiver_->CreditMessages();
  stats.smallPosted = receiver_->SmallPosted();
  stats.largePosted = receiver_->LargePosted();
  stats.registeredBytes = memory_->RegisteredBytes();
  return stats;
}

}  // namespace

std::unique_ptr<Endpoint> Endpoint::Open(const EndpointOptions& options, Failure& failure) {
  auto opened = std::make_unique<FabricEndpoint>();
  {
    const OpeningTurn turn;
    failure = opened->Start(options);
  }
  if (failure) return nullptr;
  return opened;
}

}  // namespace xfer::fabric
