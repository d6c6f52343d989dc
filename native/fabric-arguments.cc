#include "fabric-arguments.h"

#include <limits>

#include "fabric-wire.h"

namespace xfer::fabric {

namespace {

/** Of one buffer, and of how many there are of a size: far more than anybody wants, and they multiply without overflow. */
constexpr uint64_t kMostBufferBytes = uint64_t{1} << 30;
constexpr uint64_t kMostBuffers = 1 << 16;
constexpr size_t kLeastBufferBytes = kHeaderBytes + kMaxHeadBytes;
constexpr size_t kMostAddressBytes = 256;
constexpr size_t kFaultNumbers = 8;

/** Four pairs: at the how-manieth, and the errno. */
Faults FaultsArgument(Arguments& arguments, size_t index) {
  Faults faults;
  size_t length = 0;
  const double* const numbers = arguments.Doubles(index, "faults", length);
  if (arguments.Ok() && length != kFaultNumbers) arguments.OutOfRange("faults must be 8 numbers");
  if (!arguments.Ok()) return faults;
  Fault* const all[] = {&faults.registration, &faults.send, &faults.completion, &faults.receive};
  for (size_t i = 0; i < 4; i++) {
    all[i]->at = arguments.IntegerOf(numbers[2 * i], "at", kMaxSafeInteger);
    all[i]->error =
        static_cast<int>(arguments.IntegerOf(numbers[2 * i + 1], "error", std::numeric_limits<int>::max()));
  }
  return faults;
}

void RequireBuffers(Arguments& arguments, size_t smallBytes, size_t largeBytes) {
  if (arguments.Ok() && (smallBytes < kLeastBufferBytes || largeBytes < kLeastBufferBytes))
    arguments.OutOfRange("buffers must be larger than a head");
}

}  // namespace

EndpointOptions OptionsArgument(Arguments& arguments, size_t index) {
  EndpointOptions options;
  options.provider = arguments.Text(index, "provider");
  options.host = arguments.Text(index + 1, "host");
  options.smallBytes = arguments.Integer(index + 2, "smallBytes", kMostBufferBytes);
  options.smallCount = arguments.Integer(index + 3, "smallCount", kMostBuffers);
  options.largeBytes = arguments.Integer(index + 4, "largeBytes", kMostBufferBytes);
  options.largeCount = arguments.Integer(index + 5, "largeCount", kMostBuffers);
  options.largeLeadBytes = arguments.Integer(index + 6, "largeLeadBytes", kMostBufferBytes);
  options.faults = FaultsArgument(arguments, index + 7);
  RequireBuffers(arguments, options.smallBytes, options.largeBytes);
  if (arguments.Ok() && (options.smallCount < 4 || options.largeCount < 2))
    arguments.OutOfRange("there must be 4 small and 2 large buffers at least");
  if (arguments.Ok() && options.largeLeadBytes > options.largeBytes)
    arguments.OutOfRange("largeLeadBytes must lie in a buffer");
  return options;
}

Peer PeerArgument(Arguments& arguments, const Napi::CallbackInfo& info, size_t index) {
  Peer peer;
  size_t addressBytes = 0;
  const uint8_t* const address = arguments.Bytes(index, "address", addressBytes);
  if (arguments.Ok() && addressBytes > kMostAddressBytes) arguments.OutOfRange("address must be at most 256 bytes");
  if (arguments.Ok() && !info[index + 1].IsBigInt()) arguments.WrongType("tag must be a bigint");
  bool lossless = true;
  if (arguments.Ok()) peer.tag = info[index + 1].As<Napi::BigInt>().Uint64Value(&lossless);
  if (!lossless || peer.tag >> (64 - kTagShift) != 0) arguments.OutOfRange("tag must have 56 bits");
  peer.smallCount = static_cast<uint32_t>(arguments.Integer(index + 2, "smallCount", kMostBuffers));
  peer.largeCount = static_cast<uint32_t>(arguments.Integer(index + 3, "largeCount", kMostBuffers));
  peer.smallBytes = arguments.Integer(index + 4, "smallBytes", kMostBufferBytes);
  peer.largeBytes = arguments.Integer(index + 5, "largeBytes", kMostBufferBytes);
  RequireBuffers(arguments, peer.smallBytes, peer.largeBytes);
  if (arguments.Ok()) peer.address.assign(address, address + addressBytes);
  return peer;
}

}  // namespace xfer::fabric
