#pragma once
#include <cstdint>

#include <sys/stat.h>

#include "times.h"

namespace xfer::files {

/** What tells one state of a file from another. */
struct FileState {
  int64_t dev;
  int64_t ino;
  int64_t size;
  int64_t mtimeNs;
  int64_t ctimeNs;

  bool operator==(const FileState& other) const {
    return dev == other.dev && ino == other.ino && size == other.size && mtimeNs == other.mtimeNs &&
           ctimeNs == other.ctimeNs;
  }
};

inline FileState StateOf(const struct stat& found) {
  return {static_cast<int64_t>(found.st_dev), static_cast<int64_t>(found.st_ino), static_cast<int64_t>(found.st_size),
          Nanoseconds(ModifiedAt(found)), Nanoseconds(ChangedAt(found))};
}

}  // namespace xfer::files
