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

/** The calling process is inside afterwards. */
inline End MakeEnd(const char* device) {
  Checked(unshare(CLONE_NEWNET), "unshare");
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
