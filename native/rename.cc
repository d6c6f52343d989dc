#include "rename.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "unique-fd.h"

namespace xfer::files {

namespace {

bool IsDirectory(int directory, const char* name) {
  struct stat found;
  return fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(found.st_mode);
}

/** The kernel's own rename that never replaces; ENOSYS where there is none. */
int ExclusiveRename(int directory, const char* from, const char* to) {
#if defined(__linux__) && defined(SYS_renameat2)
  constexpr unsigned kNoReplace = 1;  // RENAME_NOREPLACE of linux/fs.h
  return syscall(SYS_renameat2, directory, from, directory, to, kNoReplace) == 0 ? 0 : errno;
#elif defined(__APPLE__)
  return renameatx_np(directory, from, directory, to, RENAME_EXCL) == 0 ? 0 : errno;
#else
  (void)directory, (void)from, (void)to;
  return ENOSYS;
#endif
}

/** For file systems without hard links: claims the name with an empty file of ours, then renames over that. */
int ClaimAndRename(int directory, const char* from, const char* to) {
  UniqueFd claim(openat(directory, to, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600));
  if (!claim.Valid()) return errno;
  if (renameat(directory, from, directory, to) == 0) return 0;
  const int error = errno;
  unlinkat(directory, to, 0);
  return error;
}

int LinkAndUnlink(int directory, const char* from, const char* to) {
  if (linkat(directory, from, directory, to, 0) != 0) {
    const int error = errno;
    const bool noLinks = error == EPERM || error == ENOSYS || error == EOPNOTSUPP || error == ENOTSUP || error == EMLINK;
    return noLinks ? ClaimAndRename(directory, from, to) : error;
  }
  return unlinkat(directory, from, 0) == 0 ? 0 : errno;
}

int RenameWithoutReplacing(int directory, const char* from, const char* to) {
  const int error = ExclusiveRename(directory, from, to);
  if (error == EINVAL || error == ENOSYS || error == ENOTSUP) return LinkAndUnlink(directory, from, to);
  return error;
}

}  // namespace

int Rename(int directory, const char* from, const char* to, bool replace) {
  int error = 0;
  if (replace) {
    if (renameat(directory, from, directory, to) != 0) error = errno;
  } else {
    error = RenameWithoutReplacing(directory, from, to);
  }
  // Systems differ in what a directory at `to` gives: EISDIR, EEXIST, ENOTEMPTY.
  const bool occupied = error == EEXIST || error == ENOTEMPTY || error == EPERM;
  return occupied && IsDirectory(directory, to) ? EISDIR : error;
}

}  // namespace xfer::files
