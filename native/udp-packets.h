#pragma once
#include <cstddef>
#include <cstdint>

#include "siphash-lanes.h"
#include "udp-connections.h"
#include "udp-counters.h"
#include "udp-receiver.h"

namespace xfer {

/** packetLayout of src/native/udp-api.ts, see docs/udp.md. */
constexpr uint8_t kDataType = 0x20;
constexpr uint8_t kDataFinType = 0x21;
constexpr uint8_t kControlType = 0x30;
constexpr size_t kDataTagAt = 25;
constexpr size_t kDataHeaderBytes = 33;
constexpr size_t kFramesAt = 15;
constexpr size_t kPacketTagBytes = 8;
constexpr size_t kMaxRunPackets = 352;

/** runField and packetField: where a run's numbers stand. */
constexpr size_t kRunFields = 10;
constexpr size_t kPacketFields = 11;

/** A run of packets to send; all but the last hold `packetBytes`. */
struct SentRun {
  uint64_t number;
  size_t packets;
  uint32_t stream;
  uint64_t offset;
  bool fin;
  size_t packetBytes;
  size_t bytes;
};

/** Headers and tags of a run's packets, each of kDataHeaderBytes, one behind the other. */
void WriteDataHeaders(const Connection& connection, const SentRun& run, uint8_t* out);

/** Type, id and number of a control packet, kFramesAt bytes; the tag belongs over all of it. */
void WriteControlHeader(const Connection& connection, uint64_t number, uint8_t* out);

/**
 * Reads received messages as packets: checks whose they are and their tags, and joins consecutive ones to runs, whose
 * content is moved together in the slab. A packet joins its connection's latest run, so those of one connection stay in
 * order of arrival whatever comes between.
 */
class PacketReader {
 public:
  PacketReader(UdpConnections& connections, UdpCounters& counters) : connections_(connections), counters_(counters) {}

  /** Begins a list of runs in `fields`, which has room for `most` of them. */
  void Begin(uint8_t* slab, double* fields, size_t most);
  /**
   * Adds a message's packets from `from` on, an offset in it; gives the offset of the first that found no room.
   */
  size_t Add(const ReceivedMessage& message, size_t from);
  size_t Runs() const { return runs_; }
  /** Where run `index` came from, and to which address of ours; none where it is no stray. */
  const Address& SourceOf(size_t index) const { return sources_[index].from; }
  const Address& LocalOf(size_t index) const { return sources_[index].local; }

 private:
  struct Source {
    Address from;
    Address local;
  };

  void AddPacket(size_t at, size_t bytes);
  bool HasDataTag(size_t number, const Connection& connection, size_t at, size_t bytes);
  static bool HasControlTag(const Connection& connection, const uint8_t* packet, size_t bytes);
  void AddData(size_t number, Connection& connection, size_t at, size_t bytes);
  void AddControl(size_t number, Connection& connection, size_t at, size_t bytes);
  bool Join(const Connection& connection, uint64_t number, uint32_t stream, uint64_t offset, bool fin, size_t at,
            size_t bytes);
  double* NewRun(int kind, double connection, size_t at, size_t bytes);
  uint64_t PathOf(size_t number, Connection& connection);

  UdpConnections& connections_;
  UdpCounters& counters_;
  uint8_t* slab_ = nullptr;
  double* fields_ = nullptr;
  size_t most_ = 0;
  size_t runs_ = 0;
  uint64_t batch_ = 0;
  std::vector<Source> sources_;
  /** Of the message that is being read. */
  Address from_;
  Address local_;
  int marked_ = 0;
  size_t pathOwner_ = SIZE_MAX;
  uint64_t path_ = 0;
  size_t messageEnd_ = 0;
  size_t segmentBytes_ = 0;
  /** Tags that packets from `tagsBegin_` to `tagsEnd_` must have where they are this connection's. */
  size_t tagsOwner_ = SIZE_MAX;
  size_t tagsBegin_ = 0;
  size_t tagsEnd_ = 0;
  SipLanes tags_ = {};
};

}  // namespace xfer
