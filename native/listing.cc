#include "listing.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace xfer::files {

namespace {

/** Longer ones exist on no file system of Linux. */
constexpr size_t kMaxTargetBytes = 4096;

#if defined(__linux__)
/** linux_dirent64 of getdents64(2): ino u64, offset of the next i64, record length u16, type u8, name. */
constexpr size_t kNextAt = 8;
constexpr size_t kLengthAt = 16;
constexpr size_t kNameAt = 19;
/** No entry takes less, so a buffer of so many bytes for each wanted entry never holds too many. */
constexpr size_t kLeastEntryBytes = 24;
/** Room for one entry with the longest name. */
constexpr size_t kLeastBufferBytes = 512;
constexpr size_t kMostBufferBytes = size_t{1} << 20;

template <class Value>
Value At(const char* entry, size_t offset) {
  Value value;
  std::memcpy(&value, entry + offset, sizeof value);
  return value;
}

/** Names until there are `most` or the directory ends; then it is rewound, so that the next listing is whole. */
int ReadNames(int directory, size_t most, Listed& listed) {
  const size_t bufferBytes = std::clamp(most * kLeastEntryBytes, kLeastBufferBytes, kMostBufferBytes);
  const std::unique_ptr<char[]> buffer(new char[bufferBytes]);
  while (listed.entries.size() < most) {
    const size_t wanted = (most - listed.entries.size()) * kLeastEntryBytes;
    const size_t asked = std::clamp(wanted, kLeastBufferBytes, bufferBytes);
    const long bytes = syscall(SYS_getdents64, directory, buffer.get(), asked);
    if (bytes < 0) return errno;
    if (bytes == 0) {
      listed.isLast = true;
      return lseek(directory, 0, SEEK_SET) < 0 ? errno : 0;
    }
    for (const char* entry = buffer.get(); entry < buffer.get() + bytes; entry += At<uint16_t>(entry, kLengthAt)) {
      const char* const name = entry + kNameAt;
      if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
      listed.entries.emplace_back().name = name;
      if (listed.entries.size() < most) continue;
      // Nothing that came after this one was given out: the next call begins there.
      return lseek(directory, At<int64_t>(entry, kNextAt), SEEK_SET) < 0 ? errno : 0;
    }
  }
  return 0;
}
#else
int ReadNames(int, size_t, Listed&) { return ENOSYS; }
#endif

void ReadTarget(int directory, ListedEntry& entry) {
  char target[kMaxTargetBytes];
  const ssize_t bytes = readlinkat(directory, entry.name.c_str(), target, sizeof target);
  if (bytes < 0) {
    entry.problem = errno;
    return;
  }
  entry.target.assign(target, static_cast<size_t>(bytes));
  if (!IsUtf8(entry.target)) entry.problem = kNotText;
}

void Look(int directory, ListedEntry& entry) {
  if (!IsUtf8(entry.name)) {
    entry.problem = kNotText;
  } else if (fstatat(directory, entry.name.c_str(), &entry.found, AT_SYMLINK_NOFOLLOW) != 0) {
    entry.problem = errno;
    entry.found = {};
  } else if (S_ISLNK(entry.found.st_mode)) {
    ReadTarget(directory, entry);
  }
}

/** The bytes of the sequence that begins with `lead`, 0 for none; `least` and `most` bound its second byte. */
size_t SequenceBytes(uint8_t lead, uint8_t& least, uint8_t& most) {
  least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

}  // namespace

bool IsUtf8(const std::string& text) {
  for (size_t i = 0; i < text.size();) {
    uint8_t least = 0;
    uint8_t most = 0;
    const size_t bytes = SequenceBytes(static_cast<uint8_t>(text[i]), least, most);
    if (bytes == 0 || bytes > text.size() - i) return false;
    for (size_t k = 1; k < bytes; k++, least = 0x80, most = 0xbf) {
      const auto byte = static_cast<uint8_t>(text[i + k]);
      if (byte < least || byte > most) return false;
    }
    i += bytes;
  }
  return true;
}

int List(int directory, size_t most, Listed& listed) {
  if (const int error = ReadNames(directory, most, listed)) return error;
  std::sort(listed.entries.begin(), listed.entries.end(),
            [](const ListedEntry& a, const ListedEntry& b) { return a.name < b.name; });
  for (ListedEntry& entry : listed.entries) Look(directory, entry);
  return 0;
}

}  // namespace xfer::files
