#include "regions.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/ioctl.h>
#include <sys/syscall.h>
#endif

namespace xfer::files {

namespace {

constexpr size_t kCopyBytes = size_t{1} << 18;

int ReadAndWrite(int from, int to, off_t position, uint64_t bytes) {
  const std::unique_ptr<char[]> buffer(new char[kCopyBytes]);
  while (bytes > 0) {
    const ssize_t n = pread(from, buffer.get(), std::min<uint64_t>(bytes, kCopyBytes), position);
    if (n == 0) return ENODATA;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    for (ssize_t written = 0; written < n;) {
      const ssize_t m = pwrite(to, buffer.get() + written, static_cast<size_t>(n - written), position + written);
      if (m == 0) return EIO;  // no progress and no reason: never loop on it
      if (m < 0 && errno != EINTR) return errno;
      if (m > 0) written += m;
    }
    position += n;
    bytes -= static_cast<uint64_t>(n);
  }
  return 0;
}

#if defined(__linux__)
/** Of linux/fs.h, which older headers lack. */
struct CloneRange {
  int64_t from;
  uint64_t fromOffset;
  uint64_t bytes;
  uint64_t toOffset;
};
constexpr unsigned long kCloneRange = _IOW(0x94, 13, CloneRange);

/** What the kernel copies by itself; moves `position` and `bytes` past it. Errors are left to who reads and writes. */
void CopyInKernel(int from, int to, off_t& position, uint64_t& bytes) {
#if defined(SYS_copy_file_range)
  while (bytes > 0) {
    int64_t in = position;
    int64_t out = position;
    const long n = syscall(SYS_copy_file_range, from, &in, to, &out, std::min<uint64_t>(bytes, 1 << 30), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    position += n;
    bytes -= static_cast<uint64_t>(n);
  }
#endif
}
#endif

}  // namespace

int DataRegions(int fd, uint64_t from, size_t most, std::vector<double>& pairs) {
  struct stat found;
  if (fstat(fd, &found) != 0) return errno;
  const off_t end = found.st_size;
  auto at = static_cast<off_t>(from);
  while (at < end && pairs.size() < 2 * most) {
    off_t data = at;
    off_t hole = end;
#if defined(SEEK_DATA) && defined(SEEK_HOLE)
    data = lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return 0;
    if (data < 0 && errno != EINVAL && errno != ENOTSUP) return errno;
    if (data < 0) {
      data = at;  // the system cannot tell
    } else {
      hole = lseek(fd, data, SEEK_HOLE);
      if (hole < 0 && errno != ENXIO) return errno;
      if (hole < 0) return 0;  // the file became shorter
    }
#endif
    // What grew meanwhile is left for a later look.
    if (data >= end) return 0;
    hole = std::min(hole, end);
    pairs.push_back(static_cast<double>(data));
    pairs.push_back(static_cast<double>(hole));
    at = hole;
  }
  return 0;
}

int CopyRegion(int from, int to, uint64_t position, uint64_t bytes) {
  auto at = static_cast<off_t>(position);
#if defined(__linux__)
  const CloneRange range{from, position, bytes, position};
  // Zero bytes would mean: to the end of the file.
  if (bytes > 0 && ioctl(to, kCloneRange, &range) == 0) return 0;
  CopyInKernel(from, to, at, bytes);
#endif
  return ReadAndWrite(from, to, at, bytes);
}

}  // namespace xfer::files
