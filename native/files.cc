#include "files.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "open-beneath.h"
#include "rename.h"

namespace xfer::files {

namespace {

constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;

/** Leaves the access time alone and sets the modification time; rounds towards the past before 1970 too. */
struct Times {
  explicit Times(int64_t mtimeNs) {
    int64_t seconds = mtimeNs / kNanosecondsPerSecond;
    int64_t rest = mtimeNs % kNanosecondsPerSecond;
    if (rest < 0) {
      rest += kNanosecondsPerSecond;
      seconds--;
    }
    values[0].tv_sec = 0;
    values[0].tv_nsec = UTIME_OMIT;
    values[1].tv_sec = static_cast<time_t>(seconds);
    values[1].tv_nsec = static_cast<long>(rest);
  }
  timespec values[2];
};

int SetModeAndTime(int fd, mode_t mode, int64_t mtimeNs) {
  if (fchmod(fd, mode) != 0) return errno;
  return futimens(fd, Times(mtimeNs).values) == 0 ? 0 : errno;
}

int Sync(int fd) {
  while (fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
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

int FinishDirectory(int directory, mode_t mode, int64_t mtimeNs) { return SetModeAndTime(directory, mode, mtimeNs); }

int Remove(int directory, const std::string& name, bool& removed) {
  if (!IsName(name)) return EINVAL;
  removed = unlinkat(directory, name.c_str(), 0) == 0;
  if (removed || errno == ENOENT) return 0;
  const int error = errno;
  // POSIX says EPERM for a directory, Linux EISDIR.
  return error == EPERM && IsDirectory(directory, name) ? EISDIR : error;
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
