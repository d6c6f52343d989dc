#include "batch.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "open-beneath.h"
#include "rename.h"
#include "times.h"
#include "unique-fd.h"

namespace xfer::files {

namespace {

constexpr mode_t kTemporaryMode = 0600;
constexpr auto kSameOwner = static_cast<uid_t>(-1);

int Create(int directory, const char* name, UniqueFd& created) {
  int fd;
  do {
    fd = openat(directory, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, kTemporaryMode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return errno;
  created = UniqueFd(fd);
  return 0;
}

int WriteAll(int fd, const uint8_t* content, size_t bytes) {
  for (size_t written = 0; written < bytes;) {
    const ssize_t n = write(fd, content + written, bytes - written);
    if (n > 0) {
      written += static_cast<size_t>(n);
    } else if (n == 0) {
      return EIO;  // no progress and no reason: never loop on it
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

/** Content, owner, mode and time, in the order in which none undoes another; closes. */
int Fill(UniqueFd file, const BatchFile& wanted) {
  if (const int error = WriteAll(file.Get(), wanted.content, wanted.bytes)) return error;
  if (wanted.uid != kSameOwner || wanted.gid != static_cast<gid_t>(-1)) {
    if (fchown(file.Get(), wanted.uid, wanted.gid) != 0) return errno;
  }
  if (fchmod(file.Get(), wanted.mode) != 0) return errno;
  if (futimens(file.Get(), Times(wanted.mtimeNs).values) != 0) return errno;
  // Before the rename: NFS tells of a full disk only here, and such a file must not get its name.
  return file.Close() == 0 || errno == EINTR ? 0 : errno;
}

}  // namespace

int WriteBatchFile(const BatchFile& file, const std::string& temporary, BatchStamp& stamp) {
  if (!IsName(file.name) || !IsName(temporary)) return EINVAL;
  UniqueFd created;
  if (const int error = Create(file.directory, temporary.c_str(), created)) return error;
  int error = Fill(std::move(created), file);
  if (error == 0) error = Rename(file.directory, temporary.c_str(), file.name.c_str(), file.replace);
  if (error != 0) {
    unlinkat(file.directory, temporary.c_str(), 0);
    return error;
  }
  // Only now, since renaming changes the ctime on most file systems.
  struct stat found;
  if (fstatat(file.directory, file.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  stamp.dev = static_cast<int64_t>(found.st_dev);
  stamp.ino = static_cast<int64_t>(found.st_ino);
  stamp.ctimeNs = Nanoseconds(ChangedAt(found));
  return 0;
}

}  // namespace xfer::files
