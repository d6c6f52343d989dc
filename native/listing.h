#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace xfer::files {

/** Problem of a name, or of what a link says, that is no UTF-8. */
constexpr int kNotText = -3;

struct ListedEntry {
  std::string name;
  struct stat found {};
  /** 0, an errno or kNotText. */
  int problem = 0;
  /** What a link says. */
  std::string target;
};

struct Listed {
  std::vector<ListedEntry> entries;
  bool isLast = false;
};

/** The next at most `most` entries of a directory, as list in src/native/files-api.ts says; 0 or an errno. */
int List(int directory, size_t most, Listed& listed);

/** Whether the bytes are well-formed UTF-8 (RFC 3629). */
bool IsUtf8(const std::string& text);

}  // namespace xfer::files
