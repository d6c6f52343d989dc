#include "open-beneath.h"

#include <cerrno>
#include <cstdint>

#include <fcntl.h>
#include "openat2.h"

namespace xfer::files {

const int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

namespace {

/** `..` and absolute paths are EXDEV as from openat2; other components that are no names EINVAL. */
int CheckPath(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos) return EINVAL;
  if (path.front() == '/') return EXDEV;
  int error = 0;
  for (size_t from = 0; from <= path.size();) {
    size_t end = path.find('/', from);
    if (end == std::string::npos) end = path.size();
    const std::string component = path.substr(from, end - from);
    if (component == "..") return EXDEV;
    if (!IsName(component)) error = EINVAL;
    from = end + 1;
  }
  return error;
}

int Walk(int root, const std::string& path, UniqueFd& opened) {
  UniqueFd held;
  for (size_t from = 0; from <= path.size();) {
    size_t end = path.find('/', from);
    if (end == std::string::npos) end = path.size();
    const std::string component = path.substr(from, end - from);
    UniqueFd next(openat(held.Valid() ? held.Get() : root, component.c_str(), kDirectoryFlags | O_NOFOLLOW));
    if (!next.Valid()) return errno;
    held = std::move(next);
    from = end + 1;
  }
  opened = std::move(held);
  return 0;
}

#if defined(__linux__)
/** The kernel says EAGAIN when something was renamed at the same time; an attacker may keep that up. */
constexpr int kTries = 32;

int OpenAt2(int root, const std::string& path, UniqueFd& opened) {
  const OpenHow how{static_cast<uint64_t>(kDirectoryFlags), 0,
                    kResolveBeneath | kResolveNoSymlinks | kResolveNoMagicLinks};
  for (int i = 0; i < kTries; i++) {
    const long fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (fd >= 0) {
      opened = UniqueFd(static_cast<int>(fd));
      return 0;
    }
    if (errno != EAGAIN && errno != EINTR) return errno;
  }
  return EAGAIN;
}
#endif

}  // namespace

bool IsName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

int OpenBeneath(int root, const std::string& path, UniqueFd& opened) {
  if (const int error = CheckPath(path)) return error;
#if defined(__linux__)
  const int error = OpenAt2(root, path, opened);
  // EPERM: seccomp filters that are older than the call.
  if (error != ENOSYS && error != EPERM && error != EAGAIN) return error;
#endif
  return Walk(root, path, opened);
}

}  // namespace xfer::files
