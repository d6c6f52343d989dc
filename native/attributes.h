#pragma once
#include <string>
#include <utility>
#include <vector>

namespace xfer::files {

/** Names, `user.` included, and values. */
using Attributes = std::vector<std::pair<std::string, std::string>>;

/** Reads and sets as attributesOf and setAttributes in src/native/files-api.ts say; 0 or an errno. */
int AttributesOf(int fd, Attributes& attributes);
int SetAttributes(int fd, const Attributes& attributes);

}  // namespace xfer::files
