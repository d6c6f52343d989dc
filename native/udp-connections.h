#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "siphash.h"
#include "udp-address.h"

namespace xfer {

constexpr size_t kIdBytes = 8;
constexpr size_t kMaxPaths = 8;

/** An address of the other side. Numbers rise and are never used again, so an old one names nothing, never another address. */
struct Path {
  Address address;
  /** Ours, that it sent to when the path began: answers go out from there. None: as the kernel chooses. */
  Address local;
  uint64_t number = 0;
  uint64_t lastUse = 0;
};

struct Connection {
  bool isOpen = false;
  uint64_t localId = 0;
  uint64_t remoteId = 0;
  SipKey sendKey;
  SipKey receiveKey;
  std::array<Path, kMaxPaths> paths;
  size_t pathCount = 0;
  uint64_t nextPath = 0;
  uint64_t usedPath = 0;
  uint64_t uses = 0;
  /** Of the batch that is being read: its latest run. */
  uint64_t batch = 0;
  size_t latestRun = 0;

  /**
   * The number of this address, a new one where it has none. Where there are too many the one that was not asked for for
   * longest goes, but never 0 nor the one in use: anyone who copies a packet can have new paths made, by sending it from
   * elsewhere.
   */
  uint64_t PathOf(const Address& address, const Address& local);
  /** Null where it is gone. */
  const Path* PathAt(uint64_t path) const;
  /** Nothing changes where it is gone. */
  void UsePath(uint64_t path);
};

/** Connections by number and by our id. Ids are compared as the 8 bytes in memory. */
class UdpConnections {
 public:
  /** SIZE_MAX where the id is taken. */
  size_t Add(const Connection& connection);
  void Remove(size_t number);
  /** Until Release, numbers that become free are not used anew: runs that are being handed over have them. */
  void Hold() { isHeld_ = true; }
  void Release();
  /** Null where there is none. */
  Connection* At(size_t number);
  /** Its number, or SIZE_MAX. */
  size_t Find(uint64_t localId);

 private:
  std::vector<Connection> connections_;
  std::vector<size_t> free_;
  std::vector<size_t> freedWhileHeld_;
  bool isHeld_ = false;
  std::unordered_map<uint64_t, size_t> numbers_;
  uint64_t lastId_ = 0;
  size_t lastNumber_ = SIZE_MAX;
};

}  // namespace xfer
