#include "attributes.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/stat.h>
#if defined(__linux__)
#include <sys/xattr.h>
#endif

#include "listing.h"

namespace xfer::files {

namespace {

constexpr char kNamespace[] = "user.";
constexpr size_t kNamespaceBytes = sizeof kNamespace - 1;

#if defined(__linux__)
/** Names and values together; also what the kernel gives at most for either. */
constexpr size_t kMaxBytes = size_t{1} << 16;

/** Calls with room enough: what `call` needs at first, and more where it grew meanwhile. */
template <class Call>
int Sized(std::string& to, Call call) {
  for (int i = 0; i < 8; i++) {
    const ssize_t wanted = call(nullptr, 0);
    if (wanted < 0) return errno;
    to.resize(static_cast<size_t>(wanted));
    if (wanted == 0) return 0;
    const ssize_t bytes = call(to.data(), to.size());
    if (bytes >= 0) {
      to.resize(static_cast<size_t>(bytes));
      return 0;
    }
    if (errno != ERANGE) return errno;
  }
  return ERANGE;
}
#endif

}  // namespace

int AttributesOf(int fd, Attributes& attributes) {
#if defined(__linux__)
  std::string names;
  const int error = Sized(names, [fd](char* to, size_t bytes) { return flistxattr(fd, to, bytes); });
  if (error != 0) return error == ENOTSUP || error == ENOSYS ? 0 : error;
  size_t total = 0;
  for (size_t from = 0; from < names.size();) {
    const std::string name(names.c_str() + from);
    from += name.size() + 1;
    if (name.compare(0, kNamespaceBytes, kNamespace) != 0 || !IsUtf8(name)) continue;
    std::string value;
    const int failed =
        Sized(value, [&](char* to, size_t bytes) { return fgetxattr(fd, name.c_str(), to, bytes); });
    if (failed == ENODATA) continue;  // removed meanwhile
    if (failed != 0) return failed;
    total += name.size() + value.size();
    if (total > kMaxBytes) return E2BIG;
    attributes.emplace_back(name, std::move(value));
  }
  std::sort(attributes.begin(), attributes.end());
  return 0;
#else
  (void)attributes;
  struct stat found;
  return fstat(fd, &found) == 0 ? 0 : errno;
#endif
}

int SetAttributes(int fd, const Attributes& attributes) {
  for (const auto& [name, value] : attributes) {
    if (name.find('\0') != std::string::npos) return EINVAL;
    if (name.compare(0, kNamespaceBytes, kNamespace) != 0) return EPERM;
  }
#if defined(__linux__)
  for (const auto& [name, value] : attributes) {
    if (fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0) return errno;
  }
#endif
  struct stat found;
  if (fstat(fd, &found) != 0) return errno;
#if defined(__linux__)
  return 0;
#else
  return attributes.empty() ? 0 : ENOTSUP;
#endif
}

}  // namespace xfer::files
