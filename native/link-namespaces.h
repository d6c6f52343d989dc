#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace emulated {

inline int Checked(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + strerror(errno));
  return result;
}

/** A network namespace without a name, and the TUN device in it. Both are gone when nobody holds or runs in it. */
struct End {
  int space;
  int tun;
};

inline void WriteFile(const char* path, const std::string& text) {
  const int file = Checked(open(path, O_WRONLY | O_CLOEXEC), path);
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  close(file);
  errno = error;
  Checked(written ? 0 : -1, path);
}

/**
 * Who may not make a network namespace may where it owns the user namespace. Users in there are who they are outside, so
 * that what is run there may do what its user may, and no more. -1: none is needed.
 */
inline int EnterOwnUserNamespaceIfNeeded() {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (unshare(CLONE_NEWNET) == 0) return -1;
  if (errno != EPERM) Checked(-1, "a network namespace");
  Checked(unshare(CLONE_NEWUSER), "a user namespace");
  WriteFile("/proc/self/setgroups", "deny");
  WriteFile("/proc/self/uid_map", std::to_string(user) + " " + std::to_string(user) + " 1");
  WriteFile("/proc/self/gid_map", std::to_string(group) + " " + std::to_string(group) + " 1");
  return Checked(open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC), "/proc/self/ns/user");
}

/** The calling process is inside afterwards. */
inline End MakeEnd(const char* device) {
  Checked(unshare(CLONE_NEWNET), "a network namespace");
  const int space = Checked(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), "/proc/self/ns/net");
  const int tun = Checked(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), "/dev/net/tun");
  ifreq request{};
  // No offloads: the kernel cuts what is larger than the MTU before it comes here, so loss hits single packets.
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  Checked(ioctl(tun, TUNSETIFF, &request), "TUNSETIFF");
  return {space, tun};
}

/** Kills whatever runs in the namespace; what is just being started there is found by a later round. */
inline void KillAllIn(int space) {
  struct stat wanted {};
  if (fstat(space, &wanted) < 0) return;
  for (int round = 0; round < 20; round++) {
    DIR* processes = opendir("/proc");
    if (processes == nullptr) return;
    bool found = false;
    while (const dirent* entry = readdir(processes)) {
      const int pid = atoi(entry->d_name);
      struct stat its {};
      if (pid <= 0 || pid == getpid()) continue;
      if (stat(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), &its) < 0) continue;
      if (its.st_ino != wanted.st_ino || its.st_dev != wanted.st_dev) continue;
      found = true;
      kill(pid, SIGKILL);
    }
    closedir(processes);
    if (!found) return;
    usleep(5000);
  }
}

/** Whatever ends the emulator's work, nothing goes on in its namespaces. */
class Eviction {
 public:
  explicit Eviction(const End& end) : space_(end.space) {}
  Eviction(const Eviction&) = delete;
  Eviction& operator=(const Eviction&) = delete;
  ~Eviction() { KillAllIn(space_); }

 private:
  const int space_;
};

}  // namespace emulated
