#include "fabric-shm.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

namespace xfer::fabric {

namespace {

constexpr char kScheme[] = "fi_ns://";
constexpr char kPrefix[] = "xfer-";
constexpr char kDirectory[] = "/dev/shm";

struct DirectoryCloser {
  void operator()(DIR* directory) const { closedir(directory); }
};

/** 0 where it cannot be told: then nothing is ever removed. */
unsigned long long ProcessNamespace() {
  struct stat found = {};
  return stat("/proc/self/ns/pid", &found) == 0 ? found.st_ino : 0;
}

/** Of proc_pid_stat(5), in ticks since boot; 0 where there is no such process. */
unsigned long long StartOf(long pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return 0;
  // The second field is a name in brackets, which may hold anything.
  const size_t afterName = line.rfind(')');
  if (afterName == std::string::npos) return 0;
  std::istringstream fields(line.substr(afterName + 1));
  std::string field;
  for (int i = 3; i <= 22; i++) {
    if (!(fields >> field)) return 0;
  }
  return std::strtoull(field.c_str(), nullptr, 10);
}

struct Owner {
  unsigned long long space = 0;
  long pid = 0;
  unsigned long long start = 0;
  unsigned long long random = 0;
};

bool Parse(const char* name, Owner& owner) {
  int end = -1;
  // The provider's own further files of an endpoint have a colon and a number behind its name.
  return std::sscanf(name, "xfer-%llu-%ld-%llu-%16llx%n", &owner.space, &owner.pid, &owner.start, &owner.random, &end) == 4 &&
         end > 0 && (name[end] == '\0' || name[end] == ':');
}

}  // namespace

std::string FreshShmAddress() {
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) return "";
  const long pid = getpid();
  char name[128];
  std::snprintf(name, sizeof name, "%s%s%llu-%ld-%llu-%016llx", kScheme, kPrefix, ProcessNamespace(), pid, StartOf(pid),
                static_cast<unsigned long long>(random));
  return name;
}

bool IsShmAddress(const std::string& address) {
  constexpr size_t kBefore = sizeof kScheme - 1;
  Owner owner;
  return address.rfind(kScheme, 0) == 0 && address.size() < 128 && address.find('/', kBefore) == std::string::npos &&
         address.find(':', kBefore) == std::string::npos && Parse(address.c_str() + kBefore, owner);
}

void RemoveStaleShm() {
  const unsigned long long space = ProcessNamespace();
  const std::unique_ptr<DIR, DirectoryCloser> directory(opendir(kDirectory));
  if (!directory || space == 0) return;
  while (const dirent* entry = readdir(directory.get())) {
    Owner owner;
    if (!Parse(entry->d_name, owner) || owner.space != space || owner.start == 0) continue;
    struct stat found = {};
    const int at = dirfd(directory.get());
    if (fstatat(at, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(found.st_mode) || found.st_uid != geteuid()) continue;
    if (StartOf(owner.pid) == owner.start) continue;
    unlinkat(at, entry->d_name, 0);
  }
}

}  // namespace xfer::fabric
