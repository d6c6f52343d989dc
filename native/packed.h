#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "file-state.h"

namespace xfer::files {

/** packedChanged of src/native/api.ts. */
constexpr int32_t kPackedChanged = -2;
constexpr uint64_t kMaxPackedFileBytes = uint64_t{1} << 20;
constexpr size_t kPackedCountBytes = 4;
constexpr size_t kPackedEntryBytes = 8;

/** What a file must be, as SealPackedJob has it in six numbers. */
struct PackedStamp {
  FileState state;
  int64_t id;
};

/**
 * Packs files as SealPackedJob says into `body`, which has room for all of them; gives the bytes that they took.
 * `problems` has one for each.
 */
size_t PackFiles(const std::vector<std::string>& paths, const std::vector<PackedStamp>& stamps, uint8_t* body,
                 int32_t* problems);

}  // namespace xfer::files
