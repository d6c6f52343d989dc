#include "content-io.h"

#include <cerrno>

#include <unistd.h>

#include "file-lock.h"
#include "stage-clock.h"

namespace xfer::files {

namespace {

/** What the file system does not take past the page cache goes through it, the rest of the call too. */
bool IsRefused(int error) { return error == EINVAL || error == EOPNOTSUPP; }

ssize_t WriteThroughCache(int fd, const uint8_t* from, size_t bytes, off_t position) {
  const std::lock_guard lock(WriteLockOf(fd));
  const StageClock clock(Stage::kWrite);
  return pwrite(fd, from, bytes, position);
}

/** Not one after the other, as through the page cache: a fast disk wants several. */
ssize_t WritePastCache(int fd, const uint8_t* from, size_t bytes, off_t position) {
  const StageClock clock(Stage::kWrite);
  return pwrite(fd, from, bytes, position);
}

}  // namespace

int ReadContent(const ContentFile& file, uint8_t* into, size_t bytes, uint64_t position, size_t& read) {
  const StageClock clock(Stage::kRead);
  DirectFile direct = file.direct;
  while (read < bytes) {
    const uint64_t at = position + read;
    const size_t past = direct.Share(at, into + read, bytes - read);
    const ssize_t n = past > 0 ? pread(direct.fd, into + read, past, static_cast<off_t>(at))
                               : pread(file.fd, into + read, bytes - read, static_cast<off_t>(at));
    if (n == 0) return 0;
    if (n > 0) {
      read += static_cast<size_t>(n);
    } else if (past > 0 && IsRefused(errno)) {
      direct.fd = -1;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int WriteContent(const ContentFile& file, const uint8_t* from, size_t bytes, uint64_t position, size_t& written) {
  DirectFile direct = file.direct;
  while (written < bytes) {
    const uint64_t at = position + written;
    const size_t past = direct.Share(at, from + written, bytes - written);
    const ssize_t n = past > 0 ? WritePastCache(direct.fd, from + written, past, static_cast<off_t>(at))
                               : WriteThroughCache(file.fd, from + written, bytes - written, static_cast<off_t>(at));
    if (n == 0) return EIO;  // no progress and no reason: never loop on it
    if (n > 0) {
      written += static_cast<size_t>(n);
    } else if (past > 0 && IsRefused(errno)) {
      direct.fd = -1;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace xfer::files
