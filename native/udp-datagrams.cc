#include "udp-datagrams.h"

#include <cstring>

namespace xfer {

namespace {

enum DatagramField {
  kDatagramAt,
  kDatagramBytes,
  kDatagramSegmentBytes,
  kDatagramEcn,
  kDatagramSourcePlace,
  kDatagramSourceNumber
};

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
  run[kDatagramAt] = static_cast<double>(message.at);
  run[kDatagramBytes] = static_cast<double>(message.bytes);
  run[kDatagramSegmentBytes] = static_cast<double>(message.segmentBytes);
  run[kDatagramEcn] = message.ecn;
  run[kDatagramSourcePlace] = static_cast<double>(place);
  run[kDatagramSourceNumber] = source.number;
}

/** Whether it goes on where the run before it ends; then it belongs to it. */
bool DatagramReader::Join(const ReceivedMessage& message, size_t place) {
  if (runs_ == 0 || message.bytes == 0) return false;
  double* const run = fields_ + (runs_ - 1) * kDatagramFields;
  const auto at = static_cast<size_t>(run[kDatagramAt]);
  const auto bytes = static_cast<size_t>(run[kDatagramBytes]);
  const auto segmentBytes = static_cast<size_t>(run[kDatagramSegmentBytes]);
  const bool isOne = message.bytes <= message.segmentBytes;
  const bool fits = isOne ? message.bytes <= segmentBytes : message.segmentBytes == segmentBytes;
  if (!fits || run[kDatagramSourcePlace] != static_cast<double>(place) || run[kDatagramSourceNumber] != sources_[place].number ||
      run[kDatagramEcn] != message.ecn || bytes == 0 || bytes % segmentBytes != 0 || bytes + message.bytes > kSlotBytes) {
    return false;
  }
  std::memmove(slab_ + at + bytes, slab_ + message.at, message.bytes);
  run[kDatagramBytes] += static_cast<double>(message.bytes);
  return true;
}

}  // namespace xfer
