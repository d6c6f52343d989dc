#pragma once

namespace xfer::files {

/** What is behind an open file or directory: memory, a disk of this machine, or anything, as a network or another process. */
enum class Storage { kMemory, kDisk, kOther };

/** kOther where that cannot be told; only Linux can. */
Storage StorageOf(int fd);

inline bool IsInMemory(int fd) { return StorageOf(fd) == Storage::kMemory; }

}  // namespace xfer::files
