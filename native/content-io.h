#pragma once
#include <cstddef>
#include <cstdint>

#include "direct-file.h"

/** Content of files in and out of records: 0 or an errno, the times told to the stage clock. */
namespace xfer::files {

/** A file by its descriptor, and maybe by a second one past the page cache. */
struct ContentFile {
  int fd;
  DirectFile direct;
};

/** All that is there of `bytes` from a position on; `read` says how much, also after an error. */
int ReadContent(const ContentFile& file, uint8_t* into, size_t bytes, uint64_t position, size_t& read);

/** All of it; `written` says how much, also after an error. */
int WriteContent(const ContentFile& file, const uint8_t* from, size_t bytes, uint64_t position, size_t& written);

}  // namespace xfer::files
