#include "storage.h"

#if defined(__linux__)
#include <cstdint>

#include <sys/vfs.h>
#endif

namespace xfer::files {

#if defined(__linux__)

Storage StorageOf(int fd) {
  struct statfs found;
  if (fstatfs(fd, &found) != 0) return Storage::kOther;
  // Of linux/magic.h, and of those who are not in it.
  switch (static_cast<uint32_t>(found.f_type)) {
    case 0x01021994:  // tmpfs
    case 0x858458f6:  // ramfs
      return Storage::kMemory;
    case 0xef53:      // ext2, ext3, ext4
    case 0x58465342:  // xfs
    case 0x9123683e:  // btrfs
    case 0xf2f52010:  // f2fs
      return Storage::kDisk;
    default:
      return Storage::kOther;
  }
}

#else

Storage StorageOf(int) { return Storage::kOther; }

#endif

}  // namespace xfer::files
