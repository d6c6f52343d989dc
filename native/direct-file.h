#pragma once
#include <cstddef>
#include <cstdint>

#include "unique-fd.h"

namespace xfer::files {

/** A second descriptor of a file that reads and writes past the page cache (O_DIRECT), and what it takes. */
struct DirectFile {
  /** -1: there is none, and everything goes through the page cache. */
  int fd = -1;
  /** Positions and lengths are multiples of this, itself one of the page's size. */
  size_t alignBytes = 0;
  /** Addresses are. */
  size_t memoryAlignBytes = 0;

  /**
   * Of `bytes` at a position and an address the first that can go past the page cache: whole pages of the file, so that no
   * page is written to both ways at once, which would lose what one of them wrote. 0 where it cannot begin there.
   */
  size_t Share(uint64_t position, const void* memory, size_t bytes) const;
};

/**
 * Opens what `fd` is a second time, with the same access; `opened` stays empty where the system or the file system has no
 * such way. 0 or an errno.
 */
int OpenDirect(int fd, UniqueFd& opened, DirectFile& direct);

}  // namespace xfer::files
