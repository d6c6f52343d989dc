#include "direct-file.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include <fcntl.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace xfer::files {

#if defined(__linux__)

namespace {

/** What most devices ask of memory, and all that we know of take. */
constexpr size_t kUsualMemoryAlign = 512;

/** What STATX_DIOALIGN tells, 0 where there is no direct way; false where this kernel or file system does not tell. */
bool ToldAlignment(int fd, uint32_t& memory, uint32_t& offset) {
#if defined(SYS_statx)
  // Of struct statx in linux/stat.h since 6.1, which older headers lack: stx_mask at 0, stx_dio_mem_align at 152 and
  // stx_dio_offset_align at 156.
  constexpr unsigned kDioAlign = 0x2000;
  constexpr int kEmptyPath = 0x1000;
  alignas(8) unsigned char found[256] = {};
  if (syscall(SYS_statx, fd, "", kEmptyPath, kDioAlign, found) != 0) return false;
  uint32_t mask = 0;
  std::memcpy(&mask, found, sizeof mask);
  std::memcpy(&memory, found + 152, sizeof memory);
  std::memcpy(&offset, found + 156, sizeof offset);
  return (mask & kDioAlign) != 0;
#else
  (void)fd, (void)memory, (void)offset;
  return false;
#endif
}

/** Some file systems take the flag, and then no call. */
int Refuses(const DirectFile& direct) {
  void* memory = nullptr;
  const size_t align = std::max(direct.memoryAlignBytes, sizeof(void*));
  if (posix_memalign(&memory, align, direct.alignBytes) != 0) return ENOMEM;
  const std::unique_ptr<void, decltype(&std::free)> held(memory, std::free);
  ssize_t n;
  do {
    n = pread(direct.fd, memory, direct.alignBytes, 0);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? errno : 0;
}

bool IsNoSuchWay(int error) { return error == EINVAL || error == EOPNOTSUPP || error == ENOSYS; }

}  // namespace

int OpenDirect(int fd, UniqueFd& opened, DirectFile& direct) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return errno;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  uint32_t memory = kUsualMemoryAlign;
  uint32_t offset = static_cast<uint32_t>(page);
  // Asked of the file itself: its descriptor need not be direct for that.
  if (ToldAlignment(fd, memory, offset) && (memory == 0 || offset == 0)) return 0;
  direct.alignBytes = std::max<size_t>(offset, page);
  direct.memoryAlignBytes = memory;
  // Memory is placed by pages at most.
  if (direct.alignBytes % page != 0 || direct.memoryAlignBytes > page) return 0;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int again = open(path.c_str(), (flags & (O_ACCMODE | O_NONBLOCK)) | O_DIRECT | O_CLOEXEC);
  if (again < 0) return IsNoSuchWay(errno) || errno == ENOENT ? 0 : errno;
  UniqueFd file(again);
  direct.fd = again;
  if ((flags & O_ACCMODE) != O_WRONLY) {
    if (const int error = Refuses(direct)) return IsNoSuchWay(error) ? 0 : error;
  }
  opened = std::move(file);
  return 0;
}

#else

int OpenDirect(int fd, UniqueFd&, DirectFile&) { return fcntl(fd, F_GETFL) < 0 ? errno : 0; }

#endif

size_t DirectFile::Share(uint64_t position, const void* memory, size_t bytes) const {
  if (fd < 0 || position % alignBytes != 0) return 0;
  if (reinterpret_cast<uintptr_t>(memory) % memoryAlignBytes != 0) return 0;
  return bytes - bytes % alignBytes;
}

}  // namespace xfer::files
