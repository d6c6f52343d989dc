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

}  // namespace xfer::files
