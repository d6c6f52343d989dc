#pragma once
#include <string>

namespace xfer::fabric {

/**
 * The provider shm makes one file in /dev/shm an endpoint. Ours are named `xfer-PIDNS-PID-START-RANDOM`, by which it can be
 * told safely whether who made one still lives: in the same namespace of process ids, a process of that id and of that time of start.
 */

/** An address to give to the provider, of no endpoint so far. */
std::string FreshShmAddress();

/** Whether another endpoint's address is one that we would give: nothing else in /dev/shm is opened for it. */
bool IsShmAddress(const std::string& address);

/** Removes files of ours whose process was killed. What cannot be told is left alone. */
void RemoveStaleShm();

}  // namespace xfer::fabric
