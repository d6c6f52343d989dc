#include "fabric-driver.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <thread>
#include <utility>

#include "fabric-limits.h"
#include "fabric-pace.h"
#include "fabric-thread.h"

namespace xfer::fabric {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/** Without a descriptor: a part of how long nothing came, so a wait adds little to what already passed. */
constexpr int kWaitPart = 8;
constexpr microseconds kLeastWait{20};
/** With a descriptor. Some providers have work that it does not tell of, such as a connection that is being made. */
constexpr milliseconds kMostDescriptorWait{100};
/** How long an endpoint may say that there is something, and have nothing. */
constexpr milliseconds kMostDoubt{1};
/** Turns without looking at the queue of commands. */
constexpr int kMostTurns = 16;
/** Events that wait for others to be told with: fewer than the buffers that they stand for. */
constexpr size_t kMostHeld = 16;

int NewEventFd() { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

void Raise(const UniqueFd& fd) {
  const uint64_t one = 1;
  // It fails only where it is raised already.
  [[maybe_unused]] const ssize_t count = write(fd.Get(), &one, sizeof one);
}

void Lower(const UniqueFd& fd) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(fd.Get(), &count, sizeof count);
}

}  // namespace

Driver::Driver() : toThread_(NewEventFd()), toLoop_(NewEventFd()) {
  if (!toThread_.Valid() || !toLoop_.Valid()) error_ = errno;
}

// What the loop calls.

void Driver::LetGo() {
  toThread_.Close();
  toLoop_.Close();
}

void Driver::Stop() {
  stopped_.store(true, std::memory_order_release);
  Raise(toThread_);
}

void Driver::Connect(uint64_t request, Peer peer) {
  PostCall([this, request, peer = std::move(peer)] {
    auto reply = std::make_unique<Reply>();
    reply->request = request;
    reply->failure = endpoint_ != nullptr ? endpoint_->Connect(peer) : Broken();
    Answer(std::move(reply));
  });
}

void Driver::Region(uint64_t request, size_t bytes) {
  PostCall([this, request, bytes] {
    auto reply = std::make_unique<Reply>();
    reply->request = request;
    reply->bytes = bytes;
    if (endpoint_ != nullptr) {
      reply->memory = endpoint_->Region(bytes, reply->failure);
    } else {
      reply->failure = Broken();
    }
    Answer(std::move(reply));
  });
}

void Driver::Close(uint64_t request) {
  PostCall([this, request] {
    isClosing_ = true;
    Linger();
    DropEndpoint();
    auto reply = std::make_unique<Reply>();
    reply->request = request;
    Answer(std::move(reply));
  });
}

void Driver::Send(uint64_t token, const uint8_t* head, size_t headBytes, std::vector<Piece> pieces) {
  Command command;
  command.kind = Command::Kind::kSend;
  command.id = token;
  command.headBytes = static_cast<uint8_t>(headBytes);
  std::memcpy(command.head.data(), head, headBytes);
  command.pieces = std::move(pieces);
  Post(std::move(command));
}

void Driver::Release(const std::vector<Block>& blocks) {
  if (blocks.empty()) return;
  {
    const std::lock_guard lock(commandsMutex_);
    for (const Block& block : blocks) {
      Command& command = commands_.emplace_back();
      command.kind = Command::Kind::kRelease;
      command.isLarge = block.isLarge;
      command.id = block.block;
    }
    hasCommands_.store(true);
  }
  WakeThread();
}

void Driver::PostCall(std::function<void()> call) {
  Command command;
  command.call = std::move(call);
  Post(std::move(command));
}

void Driver::Post(Command&& command) {
  {
    const std::lock_guard lock(commandsMutex_);
    commands_.push_back(std::move(command));
    hasCommands_.store(true);
  }
  WakeThread();
}

void Driver::WakeThread() {
  if (waits_.exchange(false)) Raise(toThread_);
}

void Driver::Take(std::vector<Arrival>& arrivals) {
  const std::lock_guard lock(arrivalsMutex_);
  if (std::exchange(loopIsWoken_, false)) Lower(toLoop_);
  std::move(arrivals_.begin(), arrivals_.end(), std::back_inserter(arrivals));
  arrivals_.clear();
}

void Driver::WakeLoop() {
  const std::lock_guard lock(arrivalsMutex_);
  if (!std::exchange(loopIsWoken_, true)) Raise(toLoop_);
}

Endpoint::Stats Driver::Counters() const {
  const std::lock_guard lock(arrivalsMutex_);
  return stats_;
}

Failure Driver::Broken() const {
  const std::lock_guard lock(arrivalsMutex_);
  return broken_;
}

// What the thread runs.

void Driver::Run(const EndpointOptions& options, uint64_t openRequest) {
  auto reply = std::make_unique<Reply>();
  reply->request = openRequest;
  endpoint_ = Endpoint::Open(options, reply->failure);
  if (endpoint_ == nullptr) {
    Answer(std::move(reply));
    return;
  }
  auto opened = std::make_shared<Opened>();
  opened->address = endpoint_->Address();
  opened->tag = endpoint_->Tag();
  opened->features = endpoint_->What();
  opened->hasDescriptor = endpoint_->WaitFd() >= 0;
  opened->smallMemory = endpoint_->SmallMemory(opened->smallMemoryBytes);
  opened->largeMemory = endpoint_->LargeMemory(opened->largeMemoryBytes);
  reply->opened = std::move(opened);
  stats_ = endpoint_->Counters();
  Answer(std::move(reply));
  Serve();
  FreeEndpoint();
}

void Driver::Serve() {
  Pace pace(Clock::now());
  while (!isClosing_ && !stopped_.load(std::memory_order_acquire)) {
    bool happened = hasCommands_.load() && TakeCommands();
    for (int turn = 0; turn < kMostTurns && endpoint_ != nullptr && Turn(); turn++) happened = true;
    const Clock::time_point now = Clock::now();
    if (happened) {
      pace.Happened(now);
    } else if (pace.Idle(now) >= pace.Spin()) {
      Tell();
      Wait(pace.Idle(now));
    } else {
      // The other process, or the loop that is to answer, may need this very core.
      std::this_thread::yield();
      if (Clock::now() - now > kCrowded) pace.Crowded();
    }
  }
}

bool Driver::Turn() {
  if (!endpoint_->Poll(events_)) return false;
  PublishEvents();
  // The provider may still read what was given to it, until its endpoint is gone: only then is it the caller's.
  if (endpoint_->Broken()) DropEndpoint();
  return true;
}

/** What was sent just before it closes is on its way: an answer that somebody waits for. */
void Driver::Linger() {
  const Clock::time_point until = Clock::now() + kMostLinger;
  while (endpoint_ != nullptr && endpoint_->Unsent() > 0 && !stopped_.load() && Clock::now() < until) {
    if (!Turn()) std::this_thread::sleep_for(kLeastWait);
  }
}

bool Driver::TakeCommands() {
  {
    const std::lock_guard lock(commandsMutex_);
    taken_.swap(commands_);
    hasCommands_.store(false);
  }
  for (Command& command : taken_) {
    if (isClosing_) break;
    Carry(command);
  }
  taken_.clear();
  return true;
}

void Driver::Carry(Command& command) {
  switch (command.kind) {
    case Command::Kind::kSend:
      underWay_.insert(command.id);
      if (endpoint_ == nullptr) return DropEndpoint();
      endpoint_->Send(command.id, command.head.data(), command.headBytes, command.pieces);
      break;
    case Command::Kind::kRelease:
      if (endpoint_ != nullptr) endpoint_->Release(command.isLarge, static_cast<uint32_t>(command.id));
      break;
    case Command::Kind::kCall:
      command.call();
      break;
  }
}

void Driver::Wait(Clock::duration idle) {
  const int descriptor = endpoint_ == nullptr ? -1 : endpoint_->WaitFd();
  // It may find out that there is something to do. Where nothing comes of that for long, it is not to be believed.
  const bool mayWait = descriptor >= 0 && endpoint_->MayWait();
  if (descriptor >= 0 && !mayWait && idle < kMostDoubt) return;
  waits_.store(true);
  // A command after this look finds `waits_` and raises the descriptor.
  if (!hasCommands_.load() && !stopped_.load()) {
    pollfd fds[2] = {{toThread_.Get(), POLLIN, 0}, {descriptor, POLLIN, 0}};
    const nanoseconds adaptive = std::clamp<nanoseconds>(idle / kWaitPart, kLeastWait, kMostPollWait);
    const nanoseconds most = mayWait || endpoint_ == nullptr ? nanoseconds(kMostDescriptorWait) : adaptive;
    const timespec timeout = {static_cast<time_t>(most.count() / 1'000'000'000),
                              static_cast<long>(most.count() % 1'000'000'000)};
    ppoll(fds, mayWait ? 2 : 1, &timeout, nullptr);
    if ((fds[0].revents & POLLIN) != 0) Lower(toThread_);
  }
  waits_.store(false);
}

void Driver::Answer(std::unique_ptr<Reply> reply) {
  PublishEvents();
  Arrival arrival;
  arrival.reply = std::move(reply);
  outgoing_.push_back(std::move(arrival));
  Tell();
}

void Driver::PublishEvents() {
  if (endpoint_ != nullptr) {
    smallGranted_.store(endpoint_->SmallGranted(), std::memory_order_release);
    largeGranted_.store(endpoint_->LargeGranted(), std::memory_order_release);
  }
  for (const Event& event : events_) {
    if (event.kind == Event::Kind::kSent) underWay_.erase(event.id);
    outgoing_.emplace_back().event = event;
  }
  events_.clear();
  const auto isUrgent = [](const Arrival& arrival) { return arrival.reply != nullptr || !arrival.event.mayWait; };
  if (outgoing_.size() >= kMostHeld || std::any_of(outgoing_.begin(), outgoing_.end(), isUrgent)) Tell();
}

void Driver::Tell() {
  if (!outgoing_.empty()) Deliver(outgoing_);
}

void Driver::DropEndpoint() {
  FreeEndpoint();
  for (const uint64_t token : underWay_) events_.push_back({Event::Kind::kSent, token, 0, 0});
  std::sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) { return a.id < b.id; });
  PublishEvents();
  Tell();
}

void Driver::FreeEndpoint() {
  if (endpoint_ == nullptr) return;
  // There is no time to end what is under way, and closing it then is not safe (see Settle). It is kept as it is, with its
  // memory, and the kernel takes all of it back with the process. Others have files (shm).
  if (IsProcessEnding() && endpoint_->WaitFd() >= 0) {
    endpoint_.release();
    return;
  }
  endpoint_ = nullptr;
}

void Driver::Deliver(std::vector<Arrival>& arrivals) {
  const std::lock_guard lock(arrivalsMutex_);
  if (endpoint_ != nullptr) {
    stats_ = endpoint_->Counters();
    if (endpoint_->Broken() && !broken_) broken_ = endpoint_->Broken();
  }
  std::move(arrivals.begin(), arrivals.end(), std::back_inserter(arrivals_));
  arrivals.clear();
  if (!std::exchange(loopIsWoken_, true)) Raise(toLoop_);
}

}  // namespace xfer::fabric
