#include "small-file.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/uio.h>
#endif

#include "openat2.h"
#include "storage.h"
#include "unique-fd.h"

namespace xfer::files {

namespace {

/** 0 with `isWhole` false where the file ends before. */
int ReadWhole(int fd, uint8_t* into, size_t wanted, bool& isWhole) {
  for (size_t bytes = 0; bytes < wanted;) {
    const ssize_t n = pread(fd, into + bytes, wanted - bytes, static_cast<off_t>(bytes));
    if (n == 0) return 0;
    if (n > 0) {
      bytes += static_cast<size_t>(n);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  isWhole = true;
  return 0;
}

#if defined(__linux__)
/** What is at the path, not opened; not valid where telling would wait, as for a network or for another process. */
UniqueFd CachedPlace(const std::string& path, Storage& storage, struct stat& found) {
  if (path.find('\0') != std::string::npos) return UniqueFd();
  const OpenHow how{static_cast<uint64_t>(O_PATH | O_CLOEXEC), 0, kResolveCached};
  UniqueFd place(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how)));
  if (!place.Valid()) return UniqueFd();
  storage = StorageOf(place.Get());
  if (storage == Storage::kOther || fstat(place.Get(), &found) != 0) return UniqueFd();
  return place;
}
#endif

}  // namespace

bool IsUnchanged(const WatchedFile& file) {
  struct stat found;
  if (file.path.find('\0') != std::string::npos || stat(file.path.c_str(), &found) != 0) return false;
  return StateOf(found) == file.state;
}

int ReadSmall(const std::string& path, uint8_t* into, size_t intoBytes, struct stat& found, bool& isRead) {
  if (path.find('\0') != std::string::npos) return EINVAL;
  // Before it is opened: to open a fifo lets whoever waits to write to it go on.
  if (stat(path.c_str(), &found) != 0) return errno;
  if (!S_ISREG(found.st_mode) || static_cast<uint64_t>(found.st_size) > intoBytes) return 0;
  int fd;
  do {
    fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return errno;
  const UniqueFd file(fd);
  struct stat now;
  if (fstat(fd, &now) != 0) return errno;
  if (!(StateOf(found) == StateOf(now))) return 0;
  bool isWhole = false;
  if (const int error = ReadWhole(fd, into, static_cast<size_t>(found.st_size), isWhole)) return error;
  if (fstat(fd, &now) != 0) return errno;
  isRead = isWhole && StateOf(found) == StateOf(now);
  return 0;
}

#if defined(__linux__)

bool IsKnownUnchanged(const WatchedFile& file) {
  Storage storage;
  struct stat found;
  return CachedPlace(file.path, storage, found).Valid() && StateOf(found) == file.state;
}

bool ReadCached(const std::string& path, uint8_t* into, size_t intoBytes, struct stat& found, bool& isRead) {
  Storage storage;
  // It is opened only when it is known to be no fifo.
  const UniqueFd place = CachedPlace(path, storage, found);
  if (!place.Valid()) return false;
  if (!S_ISREG(found.st_mode) || static_cast<uint64_t>(found.st_size) > intoBytes) return true;
  const std::string name = "/proc/self/fd/" + std::to_string(place.Get());
  const UniqueFd file(open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.Valid()) return false;
  const iovec whole{into, static_cast<size_t>(found.st_size)};
  // What is memory does not take the flag.
  const int flags = storage == Storage::kDisk ? RWF_NOWAIT : 0;
  if (found.st_size > 0 && preadv2(file.Get(), &whole, 1, 0, flags) != found.st_size) return false;
  struct stat now;
  if (fstat(file.Get(), &now) != 0) return false;
  isRead = StateOf(found) == StateOf(now);
  return true;
}

#else

bool IsKnownUnchanged(const WatchedFile&) {
  return false;
}

bool ReadCached(const std::string&, uint8_t*, size_t, struct stat&, bool&) {
  return false;
}

#endif

}  // namespace xfer::files
