#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace xfer {

/** An IPv4 or IPv6 address and a port. Never IPv4 written as IPv6: that form exists between here and the kernel alone. */
struct Address {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };

  Address() : v6{} {}

  bool IsV6() const { return any.sa_family == AF_INET6; }
  bool IsNone() const { return any.sa_family == AF_UNSPEC; }
  socklen_t Length() const { return IsV6() ? sizeof v6 : sizeof v4; }
  uint16_t Port() const { return ntohs(IsV6() ? v6.sin6_port : v4.sin_port); }
  bool operator==(const Address& other) const;
  size_t Hash() const;

  bool IsWildcard() const;

  /** `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`, and `fe80::1%7` where Node would not take the interface's name. */
  std::string Host() const;

  /** What a socket of that family calls this address; none where it has no name for it. */
  Address ForFamily(int family) const;
  /** What the kernel gave: IPv4 as such. */
  static Address FromKernel(const sockaddr_storage& from);
  static Address FromKernel(const sockaddr_in6& from);
  /** Of this machine, where something came in; without a port. None where nothing can be sent from it. */
  static Address LocalFromKernel(const in6_addr& to, uint32_t interface);
  static Address LocalFromKernel(const in_addr& to);
  /** False where the text is no IP address, or names an interface that is not there. */
  static bool Parse(const std::string& host, uint16_t port, Address& address);
};

}  // namespace xfer
