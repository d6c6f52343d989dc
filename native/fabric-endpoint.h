#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace xfer::fabric {

/** What went wrong: 0, or a positive errno or FI_ error number, with the words of whoever said it. */
struct Failure {
  int error = 0;
  std::string message;
  explicit operator bool() const { return error != 0; }
};

/** See FabricFaults in src/native/fabric-api.ts; `at` is counted from 1, 0 is never. */
struct Fault {
  uint64_t at = 0;
  int error = 0;
};

struct Faults {
  Fault registration;
  Fault send;
  Fault completion;
  Fault receive;
};

struct EndpointOptions {
  std::string provider;
  /** IP address to bind to; empty: libfabric's choice. */
  std::string host;
  size_t smallBytes = 0;
  size_t smallCount = 0;
  size_t largeBytes = 0;
  size_t largeCount = 0;
  size_t largeLeadBytes = 0;
  Faults faults;
};

/** The other endpoint, as it was told. */
struct Peer {
  std::vector<uint8_t> address;
  uint64_t tag = 0;
  uint32_t smallCount = 0;
  uint32_t largeCount = 0;
  size_t smallBytes = 0;
  size_t largeBytes = 0;
};

struct Piece {
  const uint8_t* bytes;
  size_t count;
};

/** What a turn brought, in its order. */
struct Event {
  enum class Kind : uint8_t { kSmall = 1, kLarge = 2, kSent = 3, kCredit = 4, kFailed = 5 };
  Kind kind;
  /** Block, or token. */
  uint64_t id = 0;
  /** Of the head, from the beginning of the memory of its size. */
  size_t offset = 0;
  /** Head and content. */
  size_t bytes = 0;
  /** Of kSent: little memory is the caller's again, which may be told with what comes next. */
  bool mayWait = false;
};

/**
 * One reliable datagram endpoint joined to one other, with posted buffers and credit. Used by one thread at a time: libfabric is opened
 * with FI_THREAD_DOMAIN, and every call into it is made from within these. It never waits.
 */
class Endpoint {
 public:
  /** Null and a failure where it cannot be. */
  static std::unique_ptr<Endpoint> Open(const EndpointOptions& options, Failure& failure);
  /** Cancels what is under way. No memory of the caller is touched from then on; Event::kSent of its tokens does not come any more. */
  virtual ~Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  /** Of fi_getname. */
  virtual const std::vector<uint8_t>& Address() const = 0;
  /** 56 random bits: tags on the wire have it above their lowest byte. */
  virtual uint64_t Tag() const = 0;
  virtual Failure Connect(const Peer& peer) = 0;

  /** How many messages of each size the other side has granted since the beginning; grows in Poll alone. */
  virtual uint32_t SmallGranted() const = 0;
  virtual uint32_t LargeGranted() const = 0;

  /**
   * Queues one message, which is within what was granted (the caller counts; what is beyond waits). It takes a small buffer of the other
   * side where it fits with its header of 16 bytes. `head` is copied; the pieces stay until Event::kSent with the token. Goes out in Poll.
   */
  virtual void Send(uint64_t token, const uint8_t* head, size_t headBytes, const std::vector<Piece>& pieces) = 0;
  /** A block of a received message may be posted, and credited, again. */
  virtual void Release(bool isLarge, uint32_t block) = 0;

  /** One turn: completions, what waits to be sent, credit that is due. Appends events; false where nothing happened. */
  virtual bool Poll(std::vector<Event>& events) = 0;
  /** Of the completion queue, or -1 where the provider has none: then Poll is all there is. */
  virtual int WaitFd() const = 0;
  /** fi_trywait: whether nothing is there that the descriptor would not tell. */
  virtual bool MayWait() = 0;

  /** Registered memory until this endpoint goes; the memory itself lives as long as the pointer. */
  virtual std::shared_ptr<uint8_t> Region(size_t bytes, Failure& failure) = 0;
  virtual std::shared_ptr<uint8_t> SmallMemory(size_t& bytes) const = 0;
  virtual std::shared_ptr<uint8_t> LargeMemory(size_t& bytes) const = 0;

  /**
   * Messages that were queued, or given to the provider and not completed. Whoever wants them to go out polls until it is 0 before the
   * endpoint goes: Event::kSent tells only that their memory is the caller's again, which is at once where they were copied.
   */
  virtual size_t Unsent() const = 0;

  /** Set with Event::kFailed: nothing is sent or received any more. */
  virtual const Failure& Broken() const = 0;

  struct Features {
    std::string provider;
    size_t maxMessageBytes = 0;
    size_t injectBytes = 0;
    bool hasHugePages = false;
    bool needsRegistration = false;
  };
  virtual const Features& What() const = 0;

  struct Stats {
    uint64_t messagesSent = 0;
    uint64_t messagesReceived = 0;
    uint64_t creditMessages = 0;
    uint64_t copiedBytes = 0;
    uintptr_t lastPieceAddress = 0;
    size_t lastPieceBytes = 0;
    /** Those beside the granted ones, for credit alone (fabric-credit.h), among them. */
    uint32_t smallPosted = 0;
    uint32_t largePosted = 0;
    size_t registeredBytes = 0;
  };
  virtual Stats Counters() const = 0;

 protected:
  Endpoint() = default;
};

}  // namespace xfer::fabric
