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

/** Content, owner, mode and time, in the order in which none undoes another. */
int Fill(int fd, const BatchFile& wanted) {
  if (const int error = WriteAll(fd, wanted.content, wanted.bytes)) return error;
  if (wanted.uid != kSameOwner || wanted.gid != static_cast<gid_t>(-1)) {
    if (fchown(fd, wanted.uid, wanted.gid) != 0) return errno;
  }
  if (fchmod(fd, wanted.mode) != 0) return errno;
  return futimens(fd, Times(wanted.mtimeNs).values) == 0 ? 0 : errno;
}

int WriteNamed(const BatchFile& file, const std::string& temporary) {
  UniqueFd created;
  if (const int error = Create(file.directory, temporary.c_str(), created)) return error;
  int error = Fill(created.Get(), file);
  // Before the rename: NFS tells of a full disk only here, and such a file must not get its name.
  if (created.Close() != 0 && errno != EINTR && error == 0) error = errno;
  if (error == 0) error = Rename(file.directory, temporary.c_str(), file.name.c_str(), file.replace);
  if (error != 0) unlinkat(file.directory, temporary.c_str(), 0);
  return error;
}

#ifdef O_TMPFILE

int CreateUnnamed(int directory, UniqueFd& created) {
  int fd;
  do {
    fd = openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kTemporaryMode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return errno;
  created = UniqueFd(fd);
  return 0;
}

/** A file without a name gets one that nothing has; 0 or an errno. */
int Name(int fd, int directory, const std::string& name) {
  const std::string open = "/proc/self/fd/" + std::to_string(fd);
  return linkat(AT_FDCWD, open.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

/** `tried` is false where this system or file system has no files without a name: nothing was done then. */
int WriteUnnamed(const BatchFile& file, const std::string& temporary, bool& tried) {
  UniqueFd created;
  tried = CreateUnnamed(file.directory, created) == 0;
  if (!tried) return 0;
  if (const int error = Fill(created.Get(), file)) return error;
  int error = Name(created.Get(), file.directory, file.name);
  if (error == EEXIST) {
    // Only a rename replaces, or tells a directory from the rest.
    error = Name(created.Get(), file.directory, temporary);
    if (error == 0) {
      error = Rename(file.directory, temporary.c_str(), file.name.c_str(), file.replace);
      if (error != 0) unlinkat(file.directory, temporary.c_str(), 0);
    }
  } else if (error == ENOENT || error == EPERM || error == EXDEV) {
    // Without /proc it stays without a name.
    tried = false;
  }
  return error;
}

#endif

int Write(const BatchFile& file, const std::string& temporary) {
#ifdef O_TMPFILE
  bool tried = false;
  const int error = WriteUnnamed(file, temporary, tried);
  if (tried) return error;
#endif
  return WriteNamed(file, temporary);
}

}  // namespace

bool WritesUnnamed(int directory) {
#ifdef O_TMPFILE
  UniqueFd created;
  return CreateUnnamed(directory, created) == 0 && access("/proc/self/fd", X_OK) == 0;
#else
  static_cast<void>(directory);
  return false;
#endif
}

int WriteBatchFile(const BatchFile& file, const std::string& temporary, BatchStamp& stamp) {
  if (!IsName(file.name) || !IsName(temporary)) return EINVAL;
  if (const int error = Write(file, temporary)) return error;
  // Only now, since renaming changes the ctime on most file systems.
  struct stat found;
  if (fstatat(file.directory, file.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  stamp.dev = static_cast<int64_t>(found.st_dev);
  stamp.ino = static_cast<int64_t>(found.st_ino);
  stamp.ctimeNs = Nanoseconds(ChangedAt(found));
  return 0;
}

}  // namespace xfer::files
