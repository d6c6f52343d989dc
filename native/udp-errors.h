#pragma once
#include "udp-address.h"

namespace xfer {

/** What ICMP told of an address that something was sent to. */
struct Unreachable {
  Address to;
  int error = 0;
};

/** Takes the next from the socket's error queue; false where it is empty. `error` is 0 where it tells nothing of the address. */
bool NextUnreachable(int fd, Unreachable& unreachable);

}  // namespace xfer
