#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "arguments.h"
#include "udp-socket.h"

namespace xfer {

namespace {

enum RunField {
  kRunConnection,
  kRunPath,
  kRunNumber,
  kRunPackets,
  kRunStream,
  kRunOffset,
  kRunFin,
  kRunPacketBytes,
  kRunBytes,
  kRunPieces
};

constexpr uint64_t kMax48 = (uint64_t{1} << 48) - 1;
constexpr uint64_t kMaxPort = 65'535;
constexpr uint64_t kMaxDeadlineUs = 1'000'000;
constexpr uint64_t kMaxPath = kMaxSafeInteger;

Address AddressArgument(Arguments& arguments, size_t index) {
  Address address;
  const std::string host = arguments.Text(index, "host");
  const auto port = static_cast<uint16_t>(arguments.Integer(index + 1, "port", kMaxPort));
  if (arguments.Ok() && !Address::Parse(host, port, address)) arguments.OutOfRange("host must be an IP address");
  return address;
}

/** An address of this machine; none for the empty text and where it is no address any more, as when its interface is gone. */
Address LocalArgument(Arguments& arguments, size_t index) {
  Address address;
  const std::string host = arguments.Text(index, "local");
  if (!arguments.Ok() || !Address::Parse(host, 0, address)) return Address();
  return address;
}

Napi::Value AddressValue(Napi::Env env, const Address& address, const Address& local = Address()) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("host", Napi::String::New(env, address.Host()));
  value.Set("port", Napi::Number::New(env, address.Port()));
  if (!local.IsNone()) value.Set("local", Napi::String::New(env, local.Host()));
  return value;
}

uint64_t IdArgument(Arguments& arguments, size_t index, const char* name) {
  size_t bytes = 0;
  const uint8_t* const data = arguments.Bytes(index, name, bytes);
  if (arguments.Ok() && bytes != kIdBytes) arguments.OutOfRange(std::string(name) + " must be 8 bytes");
  uint64_t id = 0;
  if (arguments.Ok()) std::memcpy(&id, data, sizeof id);
  return id;
}

SipKey KeyArgument(Arguments& arguments, size_t index, const char* name) {
  size_t bytes = 0;
  const uint8_t* const data = arguments.Bytes(index, name, bytes);
  if (arguments.Ok() && bytes != 16) arguments.OutOfRange(std::string(name) + " must be 16 bytes");
  return arguments.Ok() ? SipKeyOf(data) : SipKey();
}

/** Addresses as `encodeAddress` gives them, kAddressBytes each. */
constexpr size_t kAddressBytes = sizeof(sockaddr_in6);

Address AddressAt(const uint8_t* bytes, size_t index) {
  Address address;
  std::memcpy(&address.v6, bytes + index * kAddressBytes, kAddressBytes);
  return address;
}

/** A path that is gone leads nowhere. */
Path PathToSend(const Connection& connection, uint64_t number) {
  const Path* const path = connection.PathAt(number);
  return path == nullptr ? Path() : *path;
}

}  // namespace

/** (packets, host, port, bufferBytes, gso, gro, coalesceMessages, coalesceUs, slab, fields) */
UdpSocket::UdpSocket(const Napi::CallbackInfo& info) : Napi::ObjectWrap<UdpSocket>(info) {
  Arguments arguments(info);
  UdpOptions options;
  options.packets = arguments.Flag(0, "packets");
  options.at = AddressArgument(arguments, 1);
  options.bufferBytes = static_cast<int>(arguments.Integer(3, "bufferBytes", kMostUdpBufferBytes));
  options.gso = arguments.Flag(4, "gso");
  options.gro = arguments.Flag(5, "gro");
  coalesceMessages_ = arguments.Integer(6, "coalesceMessages", kSlots);
  // A timer that is set to nothing never ends.
  coalesceNs_ = std::max<uint64_t>(arguments.Integer(7, "coalesceUs", kMaxDeadlineUs), 1) * 1000;
  size_t slabBytes = 0;
  arguments.Bytes(8, "slab", slabBytes);
  size_t fields = 0;
  arguments.Doubles(9, "fields", fields);
  if (arguments.Ok() && (slabBytes != kSlabBytes || fields < kLeastFields))
    arguments.OutOfRange("slab and fields must be large enough");
  if (!arguments.Ok()) return;
  slabReference_ = Napi::Persistent(info[8].As<Napi::Object>());
  fieldsReference_ = Napi::Persistent(info[9].As<Napi::Object>());
  Open(options);
}

/** (onBatch, onBroken, onWritable, onUnreachable) */
Napi::Value UdpSocket::Start(const Napi::CallbackInfo& info) {
  if (!IsOpen() || isStarted_) return info.Env().Undefined();
  for (size_t i = 0; i < kHandlers; i++) {
    if (!info[i].IsFunction()) {
      Napi::TypeError::New(info.Env(), "the handlers must be functions").ThrowAsJavaScriptException();
      return info.Env().Undefined();
    }
    handlers_[i] = Napi::Persistent(info[i].As<Napi::Function>());
  }
  isStarted_ = true;
  int error = poller_->Watch(WatchedEvents());
  if (error == 0 && deadlinePoller_ != nullptr) error = deadlinePoller_->Watch(UV_READABLE);
  if (error != 0) Fail(error, "epoll_ctl");
  return info.Env().Undefined();
}

/** (runs, fields, pieces) */
Napi::Value UdpSocket::SendRuns(const Napi::CallbackInfo& info) {
  if (!pieces_.Read(info.Env(), info[2])) return info.Env().Undefined();
  Arguments arguments(info);
  size_t length = 0;
  const double* const fields = arguments.Doubles(1, "fields", length);
  const size_t runs = arguments.Integer(0, "runs", length / kRunFields);
  if (!arguments.Ok()) return info.Env().Undefined();
  if (!IsOpen()) return Napi::Number::New(info.Env(), 0);

  // All is checked before anything is sent.
  size_t piece = 0;
  for (size_t i = 0; i < runs; i++) {
    const double* const run = fields + i * kRunFields;
    const uint64_t bytes = arguments.IntegerOf(run[kRunBytes], "bytes", kMaxRunPackets * kMaxMessageBytes);
    const uint64_t packets = arguments.IntegerOf(run[kRunPackets], "packets", kMaxRunPackets);
    const uint64_t packetBytes =
        arguments.IntegerOf(run[kRunPacketBytes], "packetBytes", kMaxMessageBytes - kDataHeaderBytes);
    const uint64_t count = arguments.IntegerOf(run[kRunPieces], "pieces", pieces_.Count() - piece);
    const uint64_t number = arguments.IntegerOf(run[kRunNumber], "number", kMax48);
    const uint64_t offset = arguments.IntegerOf(run[kRunOffset], "offset", kMax48);
    arguments.IntegerOf(run[kRunStream], "stream", UINT32_MAX);
    arguments.IntegerOf(run[kRunPath], "path", kMaxPath);
    const uint64_t connection = arguments.IntegerOf(run[kRunConnection], "connection", kMax48);
    if (!arguments.Ok()) return info.Env().Undefined();
    const bool isFull = bytes <= packets * packetBytes && bytes > (packets - 1) * packetBytes;
    if (packets == 0 || (!isFull && !(packets == 1 && bytes == 0)))
      arguments.OutOfRange("bytes must be the content of as many packets");
    else if (number + packets - 1 > kMax48 || offset + bytes > kMax48)
      arguments.OutOfRange("numbers and offsets must be less than 2^48");
    else if (pieces_.Bytes(piece, count) != bytes)
      arguments.OutOfRange("the pieces must be as long as the run's content");
    else if (connections_.At(connection) == nullptr)
      arguments.OutOfRange("there is no such connection");
    if (!arguments.Ok()) return info.Env().Undefined();
    piece += count;
  }

  sender_->Reset();
  piece = 0;
  for (size_t i = 0; i < runs; i++) {
    const double* const fieldsOfRun = fields + i * kRunFields;
    const Connection& connection = *connections_.At(static_cast<size_t>(fieldsOfRun[kRunConnection]));
    const SentRun run = {static_cast<uint64_t>(fieldsOfRun[kRunNumber]),      static_cast<size_t>(fieldsOfRun[kRunPackets]),
                         static_cast<uint32_t>(fieldsOfRun[kRunStream]),      static_cast<uint64_t>(fieldsOfRun[kRunOffset]),
                         fieldsOfRun[kRunFin] != 0,                           static_cast<size_t>(fieldsOfRun[kRunPacketBytes]),
                         static_cast<size_t>(fieldsOfRun[kRunBytes])};
    uint8_t* header = sender_->Scratch(run.packets * kDataHeaderBytes);
    WriteDataHeaders(connection, run, header);
    const Path path = PathToSend(connection, static_cast<uint64_t>(fieldsOfRun[kRunPath]));
    sender_->Begin(path.address, path.local, kDataHeaderBytes + run.packetBytes, i);
    pieces_.SkipTo(piece);
    size_t left = run.bytes;
    for (size_t packet = 0; packet < run.packets; packet++, header += kDataHeaderBytes) {
      const size_t bytes = std::min(left, run.packetBytes);
      sender_->Piece(header, kDataHeaderBytes);
      pieces_.Take(bytes, [this](const uint8_t* memory, size_t part) { sender_->Piece(memory, part); });
      sender_->EndPacket();
      left -= bytes;
    }
    piece += static_cast<size_t>(fieldsOfRun[kRunPieces]);
  }
  sender_->Flush();
  const size_t sent = runs - sender_->LostTags();
  AfterSending();
  return Napi::Number::New(info.Env(), static_cast<double>(sent));
}

/** (connection, path, number, frames, datagramBytes) */
Napi::Value UdpSocket::SendControl(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  Connection* const connection = connections_.At(arguments.Integer(0, "connection", kMax48));
  const uint64_t pathNumber = arguments.Integer(1, "path", kMaxPath);
  const uint64_t number = arguments.Integer(2, "number", kMax48);
  size_t frameBytes = 0;
  const uint8_t* const frames = arguments.Bytes(3, "frames", frameBytes);
  const size_t wanted = arguments.Integer(4, "datagramBytes", kMaxMessageBytes);
  const size_t bytes = std::max(wanted, kFramesAt + frameBytes + kPacketTagBytes);
  if (arguments.Ok() && bytes > kMaxMessageBytes) arguments.OutOfRange("frames must fit in one datagram");
  if (!arguments.Ok()) return info.Env().Undefined();
  if (!IsOpen()) return Napi::Boolean::New(info.Env(), false);
  if (connection == nullptr) {
    arguments.OutOfRange("there is no such connection");
    return info.Env().Undefined();
  }
  sender_->Reset();
  uint8_t* const packet = sender_->Scratch(bytes);
  WriteControlHeader(*connection, number, packet);
  std::copy(frames, frames + frameBytes, packet + kFramesAt);
  std::fill(packet + kFramesAt + frameBytes, packet + bytes - kPacketTagBytes, uint8_t{0});
  StoreLittleEndian64(packet + bytes - kPacketTagBytes, SipHash24(connection->sendKey, packet, bytes - kPacketTagBytes));
  const Path path = PathToSend(*connection, pathNumber);
  sender_->Begin(path.address, path.local, bytes, 0);
  sender_->Piece(packet, bytes);
  sender_->EndPacket();
  sender_->Flush();
  const bool isFull = sender_->QueueWasFull();
  AfterSending();
  return Napi::Boolean::New(info.Env(), !isFull);
}

/** (count, fields, pieces, addresses) */
Napi::Value UdpSocket::Send(const Napi::CallbackInfo& info) {
  enum { kAddress, kSegmentBytes, kPieceCount, kSendFields };
  if (!pieces_.Read(info.Env(), info[2])) return info.Env().Undefined();
  Arguments arguments(info);
  size_t length = 0;
  const double* const fields = arguments.Doubles(1, "fields", length);
  const size_t count = arguments.Integer(0, "count", length / kSendFields);
  size_t addressBytes = 0;
  const uint8_t* const addresses = arguments.Bytes(3, "addresses", addressBytes);
  if (!arguments.Ok()) return info.Env().Undefined();
  if (!IsOpen()) return Napi::Number::New(info.Env(), 0);
  size_t piece = 0;
  for (size_t i = 0; i < count; i++) {
    const double* const datagram = fields + i * kSendFields;
    const uint64_t address = arguments.IntegerOf(datagram[kAddress], "address", kMax48);
    if (arguments.Ok() && address >= addressBytes / kAddressBytes) arguments.OutOfRange("there is no such address");
    arguments.IntegerOf(datagram[kSegmentBytes], "segmentBytes", kMaxMessageBytes);
    piece += arguments.IntegerOf(datagram[kPieceCount], "pieces", pieces_.Count() - piece);
    if (!arguments.Ok()) return info.Env().Undefined();
  }

  sender_->Reset();
  piece = 0;
  for (size_t i = 0; i < count; i++) {
    const double* const datagram = fields + i * kSendFields;
    const auto segmentBytes = static_cast<size_t>(datagram[kSegmentBytes]);
    const auto pieces = static_cast<size_t>(datagram[kPieceCount]);
    size_t left = pieces_.Bytes(piece, pieces);
    const size_t packetBytes = segmentBytes == 0 ? left : segmentBytes;
    sender_->Begin(AddressAt(addresses, static_cast<size_t>(datagram[kAddress])), Address(), packetBytes, i);
    pieces_.SkipTo(piece);
    do {
      const size_t bytes = std::min(left, packetBytes);
      pieces_.Take(bytes, [this](const uint8_t* memory, size_t part) { sender_->Piece(memory, part); });
      sender_->EndPacket();
      left -= bytes;
    } while (left > 0);
    piece += pieces;
  }
  sender_->Flush();
  const size_t sent = count - sender_->LostTags();
  AfterSending();
  return Napi::Number::New(info.Env(), static_cast<double>(sent));
}

/** (payload, addresses) */
Napi::Value UdpSocket::SendToMany(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  size_t bytes = 0;
  const uint8_t* const payload = arguments.Bytes(0, "payload", bytes);
  size_t addressBytes = 0;
  const uint8_t* const addresses = arguments.Bytes(1, "addresses", addressBytes);
  if (!arguments.Ok()) return info.Env().Undefined();
  if (!IsOpen()) return Napi::Number::New(info.Env(), 0);
  const size_t count = addressBytes / kAddressBytes;
  sender_->Reset();
  for (size_t i = 0; i < count; i++) {
    sender_->Begin(AddressAt(addresses, i), Address(), bytes, i);
    sender_->Piece(payload, bytes);
    sender_->EndPacket();
  }
  sender_->Flush();
  const size_t sent = count - sender_->LostTags();
  AfterSending();
  return Napi::Number::New(info.Env(), static_cast<double>(sent));
}

/** (bytes, host, port, local) */
Napi::Value UdpSocket::SendStray(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  size_t bytes = 0;
  const uint8_t* const datagram = arguments.Bytes(0, "bytes", bytes);
  const Address to = AddressArgument(arguments, 1);
  const Address local = LocalArgument(arguments, 3);
  if (!arguments.Ok()) return info.Env().Undefined();
  if (!IsOpen()) return Napi::Boolean::New(info.Env(), false);
  sender_->Reset();
  sender_->Begin(to, local, bytes, 0);
  sender_->Piece(datagram, bytes);
  sender_->EndPacket();
  sender_->Flush();
  const bool isSent = sender_->LostTags() == 0;
  AfterSending();
  return Napi::Boolean::New(info.Env(), isSent);
}

/** (localId, remoteId, sendKey, receiveKey, host, port, local) */
Napi::Value UdpSocket::AddConnection(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  Connection connection;
  connection.localId = IdArgument(arguments, 0, "localId");
  connection.remoteId = IdArgument(arguments, 1, "remoteId");
  connection.sendKey = KeyArgument(arguments, 2, "sendKey");
  connection.receiveKey = KeyArgument(arguments, 3, "receiveKey");
  const Address remote = AddressArgument(arguments, 4);
  const Address local = LocalArgument(arguments, 6);
  if (!arguments.Ok()) return info.Env().Undefined();
  connection.PathOf(remote, local);
  const size_t number = connections_.Add(connection);
  if (number == SIZE_MAX) {
    arguments.OutOfRange("localId is another connection's");
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), static_cast<double>(number));
}

/** (connection) */
Napi::Value UdpSocket::RemoveConnection(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const uint64_t number = arguments.Integer(0, "connection", kMax48);
  if (arguments.Ok()) connections_.Remove(number);
  return info.Env().Undefined();
}

/** (connection, host, port, local) */
Napi::Value UdpSocket::PathOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  Connection* const connection = connections_.At(arguments.Integer(0, "connection", kMax48));
  const Address address = AddressArgument(arguments, 1);
  const Address local = LocalArgument(arguments, 3);
  if (arguments.Ok() && connection == nullptr) arguments.OutOfRange("there is no such connection");
  if (!arguments.Ok()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), static_cast<double>(connection->PathOf(address, local)));
}

/** (connection, path) */
Napi::Value UdpSocket::UsePath(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  Connection* const connection = connections_.At(arguments.Integer(0, "connection", kMax48));
  const uint64_t path = arguments.Integer(1, "path", kMaxPath);
  if (arguments.Ok() && connection == nullptr) arguments.OutOfRange("there is no such connection");
  if (arguments.Ok()) connection->UsePath(path);
  return info.Env().Undefined();
}

/** (connection, path) */
Napi::Value UdpSocket::AddressOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const Connection* const connection = connections_.At(arguments.Integer(0, "connection", kMax48));
  const uint64_t number = arguments.Integer(1, "path", kMaxPath);
  const Path* const path = connection == nullptr ? nullptr : connection->PathAt(number);
  if (arguments.Ok() && path == nullptr) arguments.OutOfRange("there is no such path");
  if (!arguments.Ok()) return info.Env().Undefined();
  return AddressValue(info.Env(), path->address);
}

/** (run) */
Napi::Value UdpSocket::SourceOf(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const size_t runs = packets_ ? reader_.Runs() : datagrams_.Runs();
  const uint64_t run = arguments.Integer(0, "run", kMax48);
  if (arguments.Ok() && (run >= runs || (packets_ && reader_.SourceOf(run).IsNone())))
    arguments.OutOfRange("there is no such run");
  if (!arguments.Ok()) return info.Env().Undefined();
  if (!packets_) return AddressValue(info.Env(), datagrams_.SourceOf(run));
  return AddressValue(info.Env(), reader_.SourceOf(run), reader_.LocalOf(run));
}

Napi::Value UdpSocket::Features(const Napi::CallbackInfo& info) {
  Napi::Object value = Napi::Object::New(info.Env());
  value.Set("gso", Napi::Boolean::New(info.Env(), sender_ != nullptr && sender_->Gso()));
  value.Set("gro", Napi::Boolean::New(info.Env(), features_.gro));
  value.Set("ecn", Napi::Boolean::New(info.Env(), features_.ecn));
  value.Set("receiveBufferBytes", Napi::Number::New(info.Env(), features_.buffers.receiveBytes));
  value.Set("sendBufferBytes", Napi::Number::New(info.Env(), features_.buffers.sendBytes));
  return value;
}

Napi::Value UdpSocket::BoundAddress(const Napi::CallbackInfo& info) { return AddressValue(info.Env(), bound_); }

/** (out), a Float64Array with room for all of them */
Napi::Value UdpSocket::Counters(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  size_t length = 0;
  auto* const out = const_cast<double*>(arguments.Doubles(0, "out", length));
  constexpr size_t kCount = sizeof counters_ / sizeof(uint64_t);
  if (arguments.Ok() && length < kCount) arguments.OutOfRange("out is too small");
  if (!arguments.Ok()) return info.Env().Undefined();
  uint64_t values[kCount];
  std::memcpy(values, &counters_, sizeof values);
  std::copy(values, values + kCount, out);
  return info.Env().Undefined();
}

Napi::Value UdpSocket::IsFull(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), IsOpen() && wantsWritable_);
}

Napi::Value UdpSocket::CloseNow(const Napi::CallbackInfo& info) {
  Close();
  return info.Env().Undefined();
}

Napi::Function UdpSocket::Class(Napi::Env env) {
  return DefineClass(env, "UdpSocket",
                     {InstanceMethod("start", &UdpSocket::Start), InstanceMethod("send", &UdpSocket::Send),
                      InstanceMethod("sendToMany", &UdpSocket::SendToMany),
                      InstanceMethod("sendRuns", &UdpSocket::SendRuns),
                      InstanceMethod("sendControl", &UdpSocket::SendControl),
                      InstanceMethod("addConnection", &UdpSocket::AddConnection),
                      InstanceMethod("removeConnection", &UdpSocket::RemoveConnection),
                      InstanceMethod("sendStray", &UdpSocket::SendStray),
                      InstanceMethod("path", &UdpSocket::PathOf), InstanceMethod("usePath", &UdpSocket::UsePath),
                      InstanceMethod("addressOf", &UdpSocket::AddressOf),
                      InstanceMethod("sourceOf", &UdpSocket::SourceOf),
                      InstanceMethod("features", &UdpSocket::Features),
                      InstanceMethod("address", &UdpSocket::BoundAddress),
                      InstanceMethod("counters", &UdpSocket::Counters), InstanceMethod("isFull", &UdpSocket::IsFull),
                      InstanceMethod("close", &UdpSocket::CloseNow)});
}

}  // namespace xfer
