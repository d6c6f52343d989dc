#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "udp-address.h"
#include "udp-receiver.h"

namespace xfer {

/** datagramField of src/native/udp-addon.ts: where a run's numbers stand. */
constexpr size_t kDatagramFields = 6;
constexpr size_t kSources = 256;

/**
 * Lists received messages as runs of datagrams: those of one source and length that came one behind the other are moved
 * together in the slab. Sources are told by a place in a small table and a number that is new whenever the place is, so
 * that JavaScript makes an object of each but once.
 */
class DatagramReader {
 public:
  void Begin(uint8_t* slab, double* fields);
  /** There is room for as many runs as messages. */
  void Add(const ReceivedMessage& message);
  size_t Runs() const { return runs_; }
  const Address& SourceOf(size_t index) const { return runSources_[index]; }

 private:
  struct Source {
    Address address;
    double number = 0;
  };

  bool Join(const ReceivedMessage& message, size_t place);

  uint8_t* slab_ = nullptr;
  double* fields_ = nullptr;
  size_t runs_ = 0;
  double lastNumber_ = 0;
  std::array<Source, kSources> sources_;
  std::array<Address, kSlots> runSources_;
};

}  // namespace xfer
