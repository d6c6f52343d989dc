#include "small-file.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

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

}  // namespace xfer::files
