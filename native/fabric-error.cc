#include "fabric-error.h"

#include <sys/resource.h>

#include <cerrno>

namespace xfer::fabric {

namespace {

std::string LockedMemoryLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return "";
  return " of " + std::to_string(limit.rlim_cur / 1024) + " KiB";
}

}  // namespace

Failure CallFailure(const std::string& provider, const char* call, ssize_t result) {
  const int error = static_cast<int>(-result);
  return {error, provider + ": " + call + ": " + fi_strerror(error)};
}

Failure RegistrationFailure(const std::string& provider, ssize_t result, size_t bytes) {
  Failure failure = CallFailure(provider, "fi_mr_reg", result);
  if (failure.error != ENOMEM && failure.error != EAGAIN) return failure;
  failure.message += " (" + std::to_string(bytes / 1024) + " KiB; the limit of locked memory" + LockedMemoryLimit() +
                     " may be too low: ulimit -l, memlock in limits.conf)";
  return failure;
}

Failure CompletionFailure(const std::string& provider, fid_cq* queue, const char* during) {
  fi_cq_err_entry entry = {};
  const ssize_t result = fi_cq_readerr(queue, &entry, 0);
  if (result < 0) return CallFailure(provider, "fi_cq_readerr", result);
  char words[256] = "";
  const char* said = fi_cq_strerror(queue, entry.prov_errno, entry.err_data, words, sizeof words);
  Failure failure = {entry.err == 0 ? EIO : entry.err, provider + ": " + during + ": " + fi_strerror(entry.err)};
  // Many providers say the same again.
  if (said != nullptr && *said != '\0' && failure.message.find(said) == std::string::npos) {
    failure.message += std::string(": ") + said + " (" + std::to_string(entry.prov_errno) + ")";
  }
  return failure;
}

Failure MadeUpFailure(const std::string& provider, const char* call, int error) {
  return CallFailure(provider, call, -error);
}

Failure Malformed(const std::string& what) { return {EPROTO, "the other side sent what cannot be: " + what}; }

}  // namespace xfer::fabric
