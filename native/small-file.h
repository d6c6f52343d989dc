#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/stat.h>

#include "file-state.h"

namespace xfer::files {

/** A file by its path, links followed, and what it was. */
struct WatchedFile {
  std::string path;
  FileState state;
};

/** Whether the file is there, and is what it was. */
bool IsUnchanged(const WatchedFile& file);

/** readSmall of src/native/files-api.ts: `isRead` where all of the file is in `into`; 0 or an errno. */
int ReadSmall(const std::string& path, uint8_t* into, size_t intoBytes, struct stat& found, bool& isRead);

/**
 * The same without waiting for a disk or another machine, so that the loop may do it: false where only waiting would tell, and nothing is
 * said of the file then. Only Linux can tell.
 */
bool ReadCached(const std::string& path, uint8_t* into, size_t intoBytes, struct stat& found, bool& isRead);

/** Without waiting: false, too, where that would not do. */
bool IsKnownUnchanged(const WatchedFile& file);

}  // namespace xfer::files
