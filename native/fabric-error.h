#pragma once
#include <string>

#include "fabric-endpoint.h"
#include "fabric-objects.h"

namespace xfer::fabric {

/** Of a call that returned `result` (negative), in libfabric's words: `shm: fi_enable: No space left on device`. */
Failure CallFailure(const std::string& provider, const char* call, ssize_t result);

/** Of a registration: what runs out there is mostly the limit of locked memory, which is said. */
Failure RegistrationFailure(const std::string& provider, ssize_t result, size_t bytes);

/** Takes the error that fi_cq_read told of, with the provider's own words for it. */
Failure CompletionFailure(const std::string& provider, fid_cq* queue, const char* during);

/** Same words for an error that a test asked for. */
Failure MadeUpFailure(const std::string& provider, const char* call, int error);

/** What the other side sent cannot be. */
Failure Malformed(const std::string& what);

}  // namespace xfer::fabric
