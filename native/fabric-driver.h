#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "fabric-endpoint.h"
#include "fabric-wire.h"
#include "unique-fd.h"

namespace xfer::fabric {

/** What an endpoint is, once it is open. */
struct Opened {
  std::vector<uint8_t> address;
  uint64_t tag = 0;
  Endpoint::Features features;
  bool hasDescriptor = false;
  std::shared_ptr<uint8_t> smallMemory;
  std::shared_ptr<uint8_t> largeMemory;
  size_t smallMemoryBytes = 0;
  size_t largeMemoryBytes = 0;
};

/** How a request ended. */
struct Reply {
  uint64_t request = 0;
  Failure failure;
  /** Of Open. */
  std::shared_ptr<Opened> opened;
  /** Of Region. */
  std::shared_ptr<uint8_t> memory;
  size_t bytes = 0;
};

/** What comes to the loop, in its order: an event, or a reply where there is one. */
struct Arrival {
  Event event{};
  std::unique_ptr<Reply> reply;
};

/**
 * Joins an endpoint, which only the thread in Run touches, to the loop, which calls everything else. Commands wait in a queue until
 * the thread comes by, arrivals until the loop does; each side is woken once for many.
 */
class Driver {
 public:
  Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  /** An errno where it could not get its descriptors. */
  int Error() const { return error_; }
  /** Readable while there are arrivals to take. */
  int LoopFd() const { return toLoop_.Get(); }

  /** Its thread has ended, and the loop watches it no more: gives its descriptors back before it is collected. */
  void LetGo();

  /** The body of the thread: returns when it is closed or stopped; then there is no endpoint any more. */
  void Run(const EndpointOptions& options, uint64_t openRequest);
  /** From any thread: drops the endpoint and returns, and tells the loop nothing. */
  void Stop();

  void Connect(uint64_t request, Peer peer);
  void Region(uint64_t request, size_t bytes);
  /** Drops the endpoint, once what is on its way has gone or 200 ms have passed; `sent` comes for all that was under way, then the reply. */
  void Close(uint64_t request);
  void Send(uint64_t token, const uint8_t* head, size_t headBytes, std::vector<Piece> pieces);

  struct Block {
    bool isLarge;
    uint32_t block;
  };
  void Release(const std::vector<Block>& blocks);

  /** Adds all that has come to `arrivals`. */
  void Take(std::vector<Arrival>& arrivals);
  /** As if something had come. */
  void WakeLoop();

  uint32_t SmallGranted() const { return smallGranted_.load(std::memory_order_acquire); }
  uint32_t LargeGranted() const { return largeGranted_.load(std::memory_order_acquire); }
  /** As of the last arrival. */
  Endpoint::Stats Counters() const;
  Failure Broken() const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Command {
    enum class Kind : uint8_t { kSend, kRelease, kCall };
    Kind kind = Kind::kCall;
    bool isLarge = false;
    uint8_t headBytes = 0;
    /** Token or block. */
    uint64_t id = 0;
    std::array<uint8_t, kMaxHeadBytes> head;
    std::vector<Piece> pieces;
    std::function<void()> call;
  };

  void Post(Command&& command);
  void PostCall(std::function<void()> call);
  /** After commands were put in the queue. */
  void WakeThread();

  // On the thread.
  void Serve();
  bool Turn();
  void Linger();
  bool TakeCommands();
  void Carry(Command& command);
  void Wait(Clock::duration idle);
  void Answer(std::unique_ptr<Reply> reply);
  void PublishEvents();
  /** What waits to be told, too. */
  void Tell();
  /** It is closed or broken: `sent` for all that was under way. */
  void DropEndpoint();
  void FreeEndpoint();
  void Deliver(std::vector<Arrival>& arrivals);

  int error_ = 0;
  UniqueFd toThread_;
  UniqueFd toLoop_;
  /** The thread waits or is about to, so a command has to wake it. */
  std::atomic<bool> waits_{false};
  std::atomic<bool> hasCommands_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<uint32_t> smallGranted_{0};
  std::atomic<uint32_t> largeGranted_{0};

  std::mutex commandsMutex_;
  std::vector<Command> commands_;

  mutable std::mutex arrivalsMutex_;
  std::vector<Arrival> arrivals_;
  bool loopIsWoken_ = false;
  Endpoint::Stats stats_;
  Failure broken_;

  // The thread's own.
  /** None once it is broken. */
  std::unique_ptr<Endpoint> endpoint_;
  bool isClosing_ = false;
  std::vector<Command> taken_;
  std::vector<Event> events_;
  std::vector<Arrival> outgoing_;
  std::unordered_set<uint64_t> underWay_;
};

}  // namespace xfer::fabric
