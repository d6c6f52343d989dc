#pragma once
#include <cstdint>
#include <string>

#include <sys/types.h>

namespace xfer::files {

struct BatchFile {
  int directory;
  std::string name;
  const uint8_t* content;
  size_t bytes;
  mode_t mode;
  /** −1 leaves one alone. */
  uid_t uid;
  gid_t gid;
  bool replace;
  int64_t mtimeNs;
};

/** What tells the file that stands from others. */
struct BatchStamp {
  int64_t dev = 0;
  int64_t ino = 0;
  int64_t ctimeNs = 0;
};

/** Whether a file of a batch gets a name in this directory only when it is whole. */
bool WritesUnnamed(int directory);

/** Writes one file of a batch, as writeFiles in src/native/files-api.ts says; 0 or an errno, then nothing of it stays. */
int WriteBatchFile(const BatchFile& file, const std::string& temporary, BatchStamp& stamp);

}  // namespace xfer::files
