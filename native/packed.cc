#include "packed.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

#include "sealer.h"
#include "unique-fd.h"

namespace xfer::files {

namespace {

constexpr uint32_t kNotRead = 0xffffffff;

/** 0 where the open file is what its stamp says. */
int32_t Compare(int fd, const PackedStamp& stamp) {
  struct stat found;
  if (fstat(fd, &found) != 0) return errno;
  return S_ISREG(found.st_mode) && StateOf(found) == stamp.state ? 0 : kPackedChanged;
}

int32_t ReadStamped(const std::string& path, const PackedStamp& stamp, uint8_t* to) {
  if (path.find('\0') != std::string::npos) return EINVAL;
  int fd;
  do {
    fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return errno;
  const UniqueFd file(fd);
  if (const int32_t problem = Compare(fd, stamp)) return problem;
  const auto wanted = static_cast<size_t>(stamp.state.size);
  if (wanted == 0) return 0;
  for (size_t bytes = 0; bytes < wanted;) {
    const ssize_t n = pread(fd, to + bytes, wanted - bytes, static_cast<off_t>(bytes));
    if (n == 0) return kPackedChanged;
    if (n > 0) {
      bytes += static_cast<size_t>(n);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return Compare(fd, stamp);
}

}  // namespace

size_t PackFiles(const std::vector<std::string>& paths, const std::vector<PackedStamp>& stamps, uint8_t* body,
                 int32_t* problems) {
  PutUint32(body, static_cast<uint32_t>(paths.size()));
  uint8_t* entry = body + kPackedCountBytes;
  uint8_t* content = entry + kPackedEntryBytes * paths.size();
  for (size_t i = 0; i < paths.size(); i++, entry += kPackedEntryBytes) {
    problems[i] = ReadStamped(paths[i], stamps[i], content);
    const bool read = problems[i] == 0;
    PutUint32(entry, static_cast<uint32_t>(stamps[i].id));
    PutUint32(entry + 4, read ? static_cast<uint32_t>(stamps[i].state.size) : kNotRead);
    if (read) content += stamps[i].state.size;
  }
  return static_cast<size_t>(content - body);
}

}  // namespace xfer::files
