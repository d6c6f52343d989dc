#pragma once
#include <string>

#include "unique-fd.h"

namespace xfer::files {

/** Flags of every directory that is held: real descriptors, since they are synced and their mode is set. */
extern const int kDirectoryFlags;

/** One component of a path: not empty, `.` or `..`, without `/` and NUL. */
bool IsName(const std::string& name);

/** Opens a directory below `root` through no symbolic link: openat2, or component by component without it. */
int OpenBeneath(int root, const std::string& path, UniqueFd& opened);

}  // namespace xfer::files
