#pragma once
#include "arguments.h"
#include "fabric-endpoint.h"

namespace xfer::fabric {

/** Of eight arguments from `index` on: provider, host, smallBytes, smallCount, largeBytes, largeCount, largeLeadBytes, faults. */
EndpointOptions OptionsArgument(Arguments& arguments, size_t index);
constexpr size_t kOptionArguments = 8;

/** Of six: address, tag, smallCount, largeCount, smallBytes, largeBytes. */
Peer PeerArgument(Arguments& arguments, const Napi::CallbackInfo& info, size_t index);
constexpr size_t kPeerArguments = 6;

}  // namespace xfer::fabric
