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

/** What `DataTag` covers as the words of one lane: a header's first 25 bytes, and how long the content is. */
void SetLane(SipLanes& lanes, size_t lane, const uint64_t header[3], uint8_t last, size_t contentBytes) {
  constexpr uint64_t kCoveredBytes = kDataTagAt + 2;
  static_assert(kDataTagAt == 3 * 8 + 1 && kCoveredBytes / 8 + 1 == kSipLaneWords);
  for (size_t word = 0; word < 3; word++) lanes.words[word][lane] = header[word];
  lanes.words[3][lane] = last | (contentBytes >> 8 & 0xff) << 8 | (contentBytes & 0xff) << 16 | kCoveredBytes << 56;
}

}  // namespace

void WriteDataHeaders(const Connection& connection, const SentRun& run, uint8_t* out) {
  uint8_t id[kIdBytes];
  std::memcpy(id, &connection.remoteId, sizeof id);
  const uint64_t idWord = LittleEndian64(id);
  SipLanes lanes = {};
  size_t lane = 0;
  for (size_t i = 0; i < run.packets; i++, out += kDataHeaderBytes) {
    // Number, stream and offset follow each other, 16 bytes; with type and id before them they are three words and a byte.
    const uint64_t type = run.fin && i + 1 == run.packets ? kDataFinType : kDataType;
    const uint64_t front = __builtin_bswap64((run.number + i) << 16 | run.stream >> 16);
    const uint64_t back = __builtin_bswap64(uint64_t{run.stream} << 48 | (run.offset + i * run.packetBytes));
    const uint64_t words[] = {type | idWord << 8, idWord >> 56 | front << 8, front >> 56 | back << 8};
    const auto last = static_cast<uint8_t>(back >> 56);
    for (size_t word = 0; word < 3; word++) StoreLittleEndian64(out + 8 * word, words[word]);
    out[kDataTagAt - 1] = last;
    const size_t contentBytes = i + 1 < run.packets ? run.packetBytes : run.bytes - i * run.packetBytes;
    SetLane(lanes, lane++, words, last, contentBytes);
    if (lane < kSipLanes && i + 1 < run.packets) continue;
    SipHash24Lanes(connection.sendKey, lanes);
    uint8_t* const firstTag = out - (lane - 1) * kDataHeaderBytes + kDataTagAt;
    for (size_t done = 0; done < lane; done++) StoreLittleEndian64(firstTag + done * kDataHeaderBytes, lanes.tags[done]);
    lane = 0;
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
  tagsOwner_ = SIZE_MAX;
  messageEnd_ = message.at + message.bytes;
  segmentBytes_ = message.segmentBytes;
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
  if (isData ? !HasDataTag(number, connection, at, bytes) : !HasControlTag(connection, packet, bytes)) {
    counters_.packetsForged++;
    return;
  }
  if (isData) {
    AddData(number, connection, at, bytes);
  } else {
    AddControl(number, connection, at, bytes);
  }
}

/** Its tag may have been reckoned with those of the packets before it in the message. */
bool PacketReader::HasDataTag(size_t number, const Connection& connection, size_t at, size_t bytes) {
  if (bytes < kDataHeaderBytes) return false;
  const uint64_t tag = LittleEndian64(slab_ + at + kDataTagAt);
  const bool isOwner = tagsOwner_ == number;
  if (isOwner && at < tagsEnd_) return tag == tags_.tags[(at - tagsBegin_) / segmentBytes_];
  // A message's packets are one connection's, or somebody made it up: then nothing is reckoned ahead.
  if (!isOwner && tagsOwner_ != SIZE_MAX) return tag == DataTag(connection.receiveKey, slab_ + at, bytes - kDataHeaderBytes);
  tagsOwner_ = number;
  tagsBegin_ = tagsEnd_ = at;
  for (size_t lane = 0; lane < kSipLanes && tagsEnd_ + kDataHeaderBytes <= messageEnd_; lane++) {
    const size_t packetBytes = std::min(segmentBytes_, messageEnd_ - tagsEnd_);
    const uint8_t* const header = slab_ + tagsEnd_;
    const uint64_t words[] = {LittleEndian64(header), LittleEndian64(header + 8), LittleEndian64(header + 16)};
    SetLane(tags_, lane, words, header[kDataTagAt - 1], packetBytes - kDataHeaderBytes);
    tagsEnd_ += packetBytes;
  }
  SipHash24Lanes(connection.receiveKey, tags_);
  return tag == tags_.tags[0];
}

bool PacketReader::HasControlTag(const Connection& connection, const uint8_t* packet, size_t bytes) {
  if (bytes < kFramesAt + kPacketTagBytes) return false;
  const size_t tagAt = bytes - kPacketTagBytes;
  return LittleEndian64(packet + tagAt) == SipHash24(connection.receiveKey, packet, tagAt);
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
