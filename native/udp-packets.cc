#include "udp-packets.h"

#include <algorithm>
#include <cstring>

namespace xfer {

namespace {

enum Field { kKind, kConnection, kNumber, kPackets, kStream, kOffset, kFin, kAt, kBytes, kMarked, kPath };
enum Kind { kStray, kData, kControl };

constexpr size_t kNumberAt = 9;
constexpr size_t kStreamAt = 15;
constexpr size_t kOffsetAt = 19;
constexpr int kCe = 3;

void WriteBig(uint8_t* out, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0; value >>= 8) out[i] = static_cast<uint8_t>(value);
}

uint64_t ReadBig64(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  value = __builtin_bswap64(value);
#endif
  return value;
}

/** Of a data packet: there are 2 bytes before the number and the offset that may be read with them. */
uint64_t ReadBig48(const uint8_t* bytes) { return ReadBig64(bytes - 2) & 0xffff'ffff'ffff; }

uint32_t ReadBig32(const uint8_t* bytes) { return static_cast<uint32_t>(ReadBig64(bytes - 4)); }

uint64_t IdAt(const uint8_t* bytes) {
  uint64_t id;
  std::memcpy(&id, bytes, sizeof id);
  return id;
}

/** Of a data packet: its header and, behind that, how long its content is, 2 bytes. */
uint64_t DataTag(const SipKey& key, const uint8_t* header, size_t contentBytes) {
  uint8_t covered[kDataTagAt + 2];
  std::memcpy(covered, header, kDataTagAt);
  WriteBig(covered + kDataTagAt, contentBytes, 2);
  return SipHash24(key, covered, sizeof covered);
}

bool HasItsTag(const SipKey& key, const uint8_t* packet, size_t bytes, bool isData) {
  if (bytes < (isData ? kDataHeaderBytes : kFramesAt + kPacketTagBytes)) return false;
  const size_t tagAt = isData ? kDataTagAt : bytes - kPacketTagBytes;
  const uint64_t tag =
      isData ? DataTag(key, packet, bytes - kDataHeaderBytes) : SipHash24(key, packet, bytes - kPacketTagBytes);
  return LittleEndian64(packet + tagAt) == tag;
}

}  // namespace

void WriteDataHeaders(const Connection& connection, const SentRun& run, uint8_t* out) {
  for (size_t i = 0; i < run.packets; i++, out += kDataHeaderBytes) {
    out[0] = run.fin && i + 1 == run.packets ? kDataFinType : kDataType;
    std::memcpy(out + 1, &connection.remoteId, kIdBytes);
    WriteBig(out + kNumberAt, run.number + i, 6);
    WriteBig(out + kStreamAt, run.stream, 4);
    WriteBig(out + kOffsetAt, run.offset + i * run.packetBytes, 6);
    const size_t contentBytes = i + 1 < run.packets ? run.packetBytes : run.bytes - i * run.packetBytes;
    WriteTag(out + kDataTagAt, DataTag(connection.sendKey, out, contentBytes));
  }
}

void WriteControlHeader(const Connection& connection, uint64_t number, uint8_t* out) {
  out[0] = kControlType;
  std::memcpy(out + 1, &connection.remoteId, kIdBytes);
  WriteBig(out + kNumberAt, number, 6);
}

void PacketReader::Begin(uint8_t* slab, double* fields, size_t most) {
  slab_ = slab;
  fields_ = fields;
  most_ = most;
  runs_ = 0;
  batch_++;
  if (sources_.size() < most) sources_.resize(most);
}

size_t PacketReader::Add(const ReceivedMessage& message, size_t from) {
  from_ = Address::FromKernel(*message.from);
  local_ = message.local;
  marked_ = message.ecn == kCe ? 1 : 0;
  pathOwner_ = SIZE_MAX;
  size_t at = from;
  do {
    if (runs_ == most_) return at;
    const size_t bytes = std::min(message.segmentBytes, message.bytes - at);
    AddPacket(message.at + at, bytes);
    at += bytes;
  } while (at < message.bytes);
  return message.bytes;
}

void PacketReader::AddPacket(size_t at, size_t bytes) {
  const uint8_t* const packet = slab_ + at;
  const uint8_t type = bytes == 0 ? kDataType : packet[0];
  const bool isData = (type & ~1) == kDataType;
  if (!isData && type != kControlType) {
    NewRun(kStray, -1, at, bytes);
    sources_[runs_ - 1] = {from_, local_};
    return;
  }
  const size_t number = bytes < 1 + kIdBytes ? SIZE_MAX : connections_.Find(IdAt(packet + 1));
  if (number == SIZE_MAX) {
    counters_.packetsUnknown++;
    return;
  }
  Connection& connection = *connections_.At(number);
  if (!HasItsTag(connection.receiveKey, packet, bytes, isData)) {
    counters_.packetsForged++;
    return;
  }
  if (isData) {
    AddData(number, connection, at, bytes);
  } else {
    AddControl(number, connection, at, bytes);
  }
}

void PacketReader::AddData(size_t connectionNumber, Connection& connection, size_t at, size_t bytes) {
  const uint8_t* const packet = slab_ + at;
  const bool fin = packet[0] == kDataFinType;
  const uint64_t number = ReadBig48(packet + kNumberAt);
  const uint32_t stream = ReadBig32(packet + kStreamAt);
  const uint64_t offset = ReadBig48(packet + kOffsetAt);
  const size_t contentAt = at + kDataHeaderBytes;
  const size_t contentBytes = bytes - kDataHeaderBytes;
  const uint64_t path = PathOf(connectionNumber, connection);
  if (connection.batch == batch_ && Join(connection, number, stream, offset, fin, contentAt, contentBytes)) return;
  double* const run = NewRun(kData, static_cast<double>(connectionNumber), contentAt, contentBytes);
  run[kNumber] = static_cast<double>(number);
  run[kStream] = stream;
  run[kOffset] = static_cast<double>(offset);
  run[kFin] = fin;
  run[kPath] = static_cast<double>(path);
  connection.batch = batch_;
  connection.latestRun = runs_ - 1;
}

/** Whether the packet goes on where the connection's latest run ends; then it belongs to it. */
bool PacketReader::Join(const Connection& connection, uint64_t number, uint32_t stream, uint64_t offset, bool fin,
                        size_t at, size_t bytes) {
  double* const run = fields_ + connection.latestRun * kPacketFields;
  const auto runAt = static_cast<size_t>(run[kAt]);
  const auto runBytes = static_cast<size_t>(run[kBytes]);
  if (run[kKind] != kData || run[kFin] != 0 || run[kStream] != stream || run[kPath] != static_cast<double>(path_) ||
      run[kPackets] >= kMaxRunPackets || static_cast<uint64_t>(run[kNumber] + run[kPackets]) != number ||
      static_cast<uint64_t>(run[kOffset]) + runBytes != offset) {
    return false;
  }
  // Runs stand in the slab in their order: the newest has all before the packet to itself, an older one what is before
  // the next.
  const size_t end = runAt + runBytes + bytes;
  if (connection.latestRun + 1 != runs_ && end > static_cast<size_t>(run[kPacketFields + kAt])) return false;
  std::memmove(slab_ + runAt + runBytes, slab_ + at, bytes);
  run[kBytes] = static_cast<double>(runBytes + bytes);
  run[kPackets] += 1;
  run[kFin] = fin;
  run[kMarked] += marked_;
  return true;
}

void PacketReader::AddControl(size_t connectionNumber, Connection& connection, size_t at, size_t bytes) {
  const uint64_t path = PathOf(connectionNumber, connection);
  double* const run =
      NewRun(kControl, static_cast<double>(connectionNumber), at + kFramesAt, bytes - kFramesAt - kPacketTagBytes);
  run[kNumber] = static_cast<double>(ReadBig48(slab_ + at + kNumberAt));
  run[kPath] = static_cast<double>(path);
  connection.batch = batch_;
  connection.latestRun = runs_ - 1;
}

double* PacketReader::NewRun(int kind, double connection, size_t at, size_t bytes) {
  sources_[runs_].from.any.sa_family = AF_UNSPEC;
  double* const run = fields_ + runs_++ * kPacketFields;
  std::fill(run, run + kPacketFields, 0.0);
  run[kKind] = kind;
  run[kConnection] = connection;
  run[kPackets] = 1;
  run[kAt] = static_cast<double>(at);
  run[kBytes] = static_cast<double>(bytes);
  run[kMarked] = marked_;
  run[kPath] = -1;
  return run;
}

/** Looked up once a message and connection. */
uint64_t PacketReader::PathOf(size_t number, Connection& connection) {
  if (pathOwner_ == number) return path_;
  pathOwner_ = number;
  path_ = connection.PathOf(from_, local_);
  return path_;
}

}  // namespace xfer
