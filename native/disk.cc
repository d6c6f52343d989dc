#include "disk.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "open-beneath.h"
#include "storage.h"

namespace xfer::files {

namespace {

/** Repeats what a signal interrupted. */
template <class Call>
int Retried(Call call) {
  while (call() != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

int StampOf(int fd, struct stat& found) { return fstat(fd, &found) == 0 ? 0 : errno; }

int StampAt(int directory, const std::string& name, struct stat& found, bool& exists) {
  if (!IsName(name)) return EINVAL;
  exists = fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
  return exists || errno == ENOENT ? 0 : errno;
}

int Sync(int fd) {
  return Retried([fd] { return fsync(fd); });
}

int SyncData(int fd) {
#if defined(__APPLE__)
  return Sync(fd);
#else
  return Retried([fd] { return fdatasync(fd); });
#endif
}

int SyncFileSystem(int fd, bool& synced) {
#if defined(__linux__)
  const int error = Retried([fd] { return syncfs(fd); });
  synced = error != ENOSYS;
  return synced ? error : 0;
#else
  synced = false;
  struct stat found;
  return StampOf(fd, found);
#endif
}

int Allocate(int fd, uint64_t bytes, bool& allocated) {
  allocated = bytes == 0;
#if defined(__linux__)
  // Where memory is the disk, to allocate is to fill with zeros: nothing is won, and it takes as long as writing.
  if (bytes > 0 && !IsInMemory(fd)) {
    const int error = Retried([fd, bytes] { return fallocate(fd, 0, 0, static_cast<off_t>(bytes)); });
    allocated = error == 0;
    return error == EOPNOTSUPP || error == ENOSYS ? 0 : error;
  }
#endif
  struct stat found;
  return StampOf(fd, found);
}

int Truncate(int fd, uint64_t bytes) {
  return Retried([fd, bytes] { return ftruncate(fd, static_cast<off_t>(bytes)); });
}

int FreeBytes(int directory, double& bytes) {
  struct statvfs found;
  if (const int error = Retried([&] { return fstatvfs(directory, &found); })) return error;
  bytes = static_cast<double>(found.f_bavail) * static_cast<double>(found.f_frsize);
  return 0;
}

int Lock(int fd, bool& locked) {
  const int error = Retried([fd] { return flock(fd, LOCK_EX | LOCK_NB); });
  locked = error == 0;
  return error == EWOULDBLOCK ? 0 : error;
}

}  // namespace xfer::files
