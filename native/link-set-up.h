#pragma once
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "link-namespaces.h"

namespace emulated {

/**
 * Runs sh with the lines in these namespaces (paths; `-`: the user namespace of the caller) and does not come back. Whoever
 * enters a user namespace of its own has every right there until it runs another program as a user that is not root: the one
 * to set up networks is handed on.
 */
inline int SetUp(const std::string& user, const std::string& net, const char* script) {
  const bool entered = user != "-";
  if (entered) Checked(setns(Checked(open(user.c_str(), O_RDONLY | O_CLOEXEC), "open"), CLONE_NEWUSER), "setns");
  Checked(setns(Checked(open(net.c_str(), O_RDONLY | O_CLOEXEC), "open"), CLONE_NEWNET), "setns");
  if (entered) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
    data[0].effective = data[0].permitted = data[0].inheritable = 1U << CAP_NET_ADMIN;
    Checked(static_cast<int>(syscall(SYS_capset, &header, data)), "capset");
    Checked(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0), "a right to hand on");
  }
  execlp("sh", "sh", "-e", "-c", script, nullptr);
  return Checked(-1, "sh");
}

}  // namespace emulated
