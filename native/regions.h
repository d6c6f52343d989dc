#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace xfer::files {

/** At most `most` pairs [from, to) of a file's data, as dataRegions in src/native/files-api.ts says; 0 or an errno. */
int DataRegions(int fd, uint64_t from, size_t most, std::vector<double>& pairs);

/** Copies a region to the same place of another file, as copyRegion says; 0 or an errno. */
int CopyRegion(int from, int to, uint64_t position, uint64_t bytes);

}  // namespace xfer::files
