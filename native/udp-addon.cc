#include <cstring>

#include <napi.h>

#include "arguments.h"
#include "siphash.h"
#include "udp-buffers.h"
#include "udp-socket.h"

namespace xfer {

namespace {

/** (key, bytes) */
Napi::Value SipHash(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  size_t keyBytes = 0;
  const uint8_t* const key = arguments.Bytes(0, "key", keyBytes);
  size_t count = 0;
  const uint8_t* const bytes = arguments.Bytes(1, "bytes", count);
  if (arguments.Ok() && keyBytes != 16) arguments.OutOfRange("key must be 16 bytes");
  if (!arguments.Ok()) return info.Env().Undefined();
  Napi::Uint8Array tag = Napi::Uint8Array::New(info.Env(), sizeof(uint64_t));
  StoreLittleEndian64(tag.Data(), SipHash24(SipKeyOf(key), bytes, count));
  return tag;
}

/** (host, port): the address as `send` takes it, or undefined where the host is no IP address. */
Napi::Value EncodeAddress(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::string host = arguments.Text(0, "host");
  const auto port = static_cast<uint16_t>(arguments.Integer(1, "port", 65'535));
  Address address;
  if (!arguments.Ok() || !Address::Parse(host, port, address)) return info.Env().Undefined();
  Napi::Uint8Array encoded = Napi::Uint8Array::New(info.Env(), sizeof address.v6);
  std::memcpy(encoded.Data(), &address.v6, sizeof address.v6);
  return encoded;
}

/** (port, bytes): what the sockets have then, or undefined where there is none. */
Napi::Value WidenBuffers(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const auto port = static_cast<uint16_t>(arguments.Integer(0, "port", 65'535));
  const auto bytes = static_cast<int>(arguments.Integer(1, "bytes", kMostUdpBufferBytes));
  UdpBuffers buffers;
  if (!arguments.Ok() || WidenUdpBuffers(port, bytes, buffers) == 0) return info.Env().Undefined();
  Napi::Object sizes = Napi::Object::New(info.Env());
  sizes.Set("receiveBufferBytes", buffers.receiveBytes);
  sizes.Set("sendBufferBytes", buffers.sendBytes);
  return sizes;
}

}  // namespace

}  // namespace xfer

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("sipHash", Napi::Function::New(env, xfer::SipHash, "sipHash"));
  exports.Set("encodeAddress", Napi::Function::New(env, xfer::EncodeAddress, "encodeAddress"));
  exports.Set("widenBuffers", Napi::Function::New(env, xfer::WidenBuffers, "widenBuffers"));
  exports.Set("UdpSocket", xfer::UdpSocket::Class(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(xfer_udp, Init)
