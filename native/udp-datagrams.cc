#include "udp-datagrams.h"

#include <cstring>

namespace xfer {

namespace {

enum Field { kAt, kBytes, kSegmentBytes, kEcn, kSourcePlace, kSourceNumber };

}  // namespace

void DatagramReader::Begin(uint8_t* slab, double* fields) {
  slab_ = slab;
  fields_ = fields;
  runs_ = 0;
}

void DatagramReader::Add(const ReceivedMessage& message) {
  const Address from = Address::FromKernel(*message.from);
  const size_t place = from.Hash() % kSources;
  Source& source = sources_[place];
  if (!(source.address == from) || source.number == 0) source = {from, ++lastNumber_};
  if (Join(message, place)) return;
  runSources_[runs_] = from;
  double* const run = fields_ + runs_++ * kDatagramFields;
  run[kAt] = static_cast<double>(message.at);
  run[kBytes] = static_cast<double>(message.bytes);
  run[kSegmentBytes] = static_cast<double>(message.segmentBytes);
  run[kEcn] = message.ecn;
  run[kSourcePlace] = static_cast<double>(place);
  run[kSourceNumber] = source.number;
}

/** Whether it goes on where the run before it ends; then it belongs to it. */
bool DatagramReader::Join(const ReceivedMessage& message, size_t place) {
  if (runs_ == 0 || message.bytes == 0) return false;
  double* const run = fields_ + (runs_ - 1) * kDatagramFields;
  const auto at = static_cast<size_t>(run[kAt]);
  const auto bytes = static_cast<size_t>(run[kBytes]);
  const auto segmentBytes = static_cast<size_t>(run[kSegmentBytes]);
  const bool isOne = message.bytes <= message.segmentBytes;
  const bool fits = isOne ? message.bytes <= segmentBytes : message.segmentBytes == segmentBytes;
  if (!fits || run[kSourcePlace] != static_cast<double>(place) || run[kSourceNumber] != sources_[place].number ||
      run[kEcn] != message.ecn || bytes == 0 || bytes % segmentBytes != 0 || bytes + message.bytes > kSlotBytes) {
    return false;
  }
  std::memmove(slab_ + at + bytes, slab_ + message.at, message.bytes);
  run[kBytes] += static_cast<double>(message.bytes);
  return true;
}

}  // namespace xfer
