#include "files.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "disk.h"
#include "open-beneath.h"
#include "rename.h"
#include "times.h"

namespace xfer::files {

namespace {

int SetModeAndTime(int fd, mode_t mode, int64_t mtimeNs) {
  if (fchmod(fd, mode) != 0) return errno;
  return futimens(fd, Times(mtimeNs).values) == 0 ? 0 : errno;
}

bool IsDirectory(int directory, const std::string& name) {
  struct stat found;
  return fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(found.st_mode);
}

int Open(int directory, const char* path, int flags, mode_t mode, UniqueFd& opened) {
  int fd;
  do {
    fd = openat(directory, path, flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return errno;
  opened = UniqueFd(fd);
  return 0;
}

int NotRegular(mode_t mode) {
  if (S_ISREG(mode)) return 0;
  return S_ISLNK(mode) ? ELOOP : S_ISDIR(mode) ? EISDIR : EINVAL;
}

}  // namespace

int OpenRoot(const std::string& path, UniqueFd& opened) {
  if (path.find('\0') != std::string::npos) return EINVAL;
  return Open(AT_FDCWD, path.c_str(), kDirectoryFlags, 0, opened);
}

int OpenDirectory(int root, const std::string& path, UniqueFd& opened) { return OpenBeneath(root, path, opened); }

int MakeDirectory(int directory, const std::string& name, mode_t mode, bool& made) {
  if (!IsName(name)) return EINVAL;
  made = mkdirat(directory, name.c_str(), mode) == 0;
  if (made) return 0;
  const int error = errno;
  return error == EEXIST && IsDirectory(directory, name) ? 0 : error;
}

int CreateFile(int directory, const std::string& name, UniqueFd& opened) {
  if (!IsName(name)) return EINVAL;
  return Open(directory, name.c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0600, opened);
}

int OpenExisting(int directory, const std::string& name, UniqueFd& opened) {
  if (!IsName(name)) return EINVAL;
  // Looked at first as well: opening a device or a fifo may do something, and each gives an errno of its own.
  struct stat found;
  if (fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  if (const int error = NotRegular(found.st_mode)) return error;
  UniqueFd file;
  if (const int error = Open(directory, name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0, file)) return error;
  if (fstat(file.Get(), &found) != 0) return errno;
  if (const int error = NotRegular(found.st_mode)) return error;
  opened = std::move(file);
  return 0;
}

int FinishFile(UniqueFd file, const Finish& finish) {
  if (!IsName(finish.from) || !IsName(finish.to)) return EINVAL;
  if (const int error = SetModeAndTime(file.Get(), finish.mode, finish.mtimeNs)) return error;
  if (finish.sync) {
    if (const int error = Sync(file.Get())) return error;
  }
  // Before the rename: NFS tells of a full disk only here, and such a file must not get its name.
  if (file.Close() != 0 && errno != EINTR) return errno;
  if (const int error = Rename(finish.directory, finish.from.c_str(), finish.to.c_str(), finish.replace)) return error;
  return finish.sync ? Sync(finish.directory) : 0;
}

int MakeLink(int directory, const Link& link) {
  if (!IsName(link.name) || !IsName(link.temporary) || link.target.find('\0') != std::string::npos) return EINVAL;
  const char* const temporary = link.temporary.c_str();
  if (symlinkat(link.target.c_str(), directory, temporary) != 0) return errno;
  int error = 0;
  if (utimensat(directory, temporary, Times(link.mtimeNs).values, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
  if (error == 0) error = Rename(directory, temporary, link.name.c_str(), link.replace);
  if (error != 0) unlinkat(directory, temporary, 0);
  return error;
}

int MakeHardLink(const HardLink& link) {
  if (!IsName(link.from) || !IsName(link.temporary) || !IsName(link.name)) return EINVAL;
  if (link.temporary == link.name) return EINVAL;
  const char* const temporary = link.temporary.c_str();
  if (linkat(link.fromDirectory, link.from.c_str(), link.directory, temporary, 0) != 0) return errno;
  const int error = Rename(link.directory, temporary, link.name.c_str(), link.replace);
  // Also after success: where `name` was this very file already, rename did nothing.
  unlinkat(link.directory, temporary, 0);
  return error;
}

int FinishDirectory(int directory, mode_t mode, int64_t mtimeNs) { return SetModeAndTime(directory, mode, mtimeNs); }

int Remove(int directory, const std::string& name, bool& removed) {
  if (!IsName(name)) return EINVAL;
  removed = unlinkat(directory, name.c_str(), 0) == 0;
  if (removed || errno == ENOENT) return 0;
  const int error = errno;
  // POSIX says EPERM for a directory, Linux EISDIR.
  return error == EPERM && IsDirectory(directory, name) ? EISDIR : error;
}

int RemoveDirectory(int directory, const std::string& name, bool& removed) {
  if (!IsName(name)) return EINVAL;
  removed = unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0;
  if (removed || errno == ENOENT) return 0;
  return errno == EEXIST ? ENOTEMPTY : errno;
}

int SetOwner(int fd, uid_t uid, gid_t gid) { return fchown(fd, uid, gid) == 0 ? 0 : errno; }

int SetLinkOwner(int directory, const std::string& name, uid_t uid, gid_t gid) {
  if (!IsName(name)) return EINVAL;
  return fchownat(directory, name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

int KindOf(int directory, const std::string& name, Kind& kind) {
  if (!IsName(name)) return EINVAL;
  struct stat found;
  kind = Kind::kNone;
  if (fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
  kind = S_ISREG(found.st_mode)   ? Kind::kFile
         : S_ISDIR(found.st_mode) ? Kind::kDirectory
         : S_ISLNK(found.st_mode) ? Kind::kLink
                                  : Kind::kOther;
  return 0;
}

}  // namespace xfer::files
