#pragma once
#include <string>

namespace xfer {

/** How a job ended: 0, an errno, or `kTampered` where a tag did not verify. */
constexpr int kTampered = -1;

/** `ENOSPC` for 28, `ERR_XFER_TAMPERED` for kTampered: what `error.code` says in JavaScript. */
std::string ErrorCode(int error);

/** The system's sentence for an errno. */
std::string ErrorMessage(int error);

}  // namespace xfer
