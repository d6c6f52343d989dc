#include "udp-address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace xfer {

bool Address::operator==(const Address& other) const {
  if (any.sa_family != other.any.sa_family) return false;
  if (!IsV6()) return v4.sin_port == other.v4.sin_port && v4.sin_addr.s_addr == other.v4.sin_addr.s_addr;
  return v6.sin6_port == other.v6.sin6_port && v6.sin6_scope_id == other.v6.sin6_scope_id &&
         std::memcmp(&v6.sin6_addr, &other.v6.sin6_addr, sizeof v6.sin6_addr) == 0;
}

size_t Address::Hash() const {
  uint64_t words[2] = {v4.sin_addr.s_addr, 0};
  if (IsV6()) std::memcpy(words, &v6.sin6_addr, sizeof words);
  const uint64_t mixed = (words[0] ^ (words[1] * 3) ^ (uint64_t{Port()} << 32)) * 0x9e3779b97f4a7c15;
  return static_cast<size_t>(mixed >> 20);
}

namespace {

/** Of an interface, as `net.isIP` of Node takes it behind the percent sign; the system allows more, `br_lan` for one. */
bool IsPlainName(const char* name) {
  const auto isPlain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == ':' || c == '-';
  };
  return *name != '\0' && std::all_of(name, name + std::strlen(name), isPlain);
}

/** The others mean the same on each interface: a scope would only make two addresses of one. */
bool HasScope(const in6_addr& address) { return IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_MULTICAST(&address); }

}  // namespace

std::string Address::Host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (!IsV6()) {
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return text;
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  if (v6.sin6_scope_id == 0) return text;
  char name[IF_NAMESIZE] = "";
  const bool isNamed = if_indextoname(v6.sin6_scope_id, name) != nullptr && IsPlainName(name);
  return std::string(text) + '%' + (isNamed ? name : std::to_string(v6.sin6_scope_id));
}

Address Address::ForFamily(int family) const {
  Address result = *this;
  if (family != AF_INET6) return IsV6() ? Address() : result;
  if (IsV6() || IsNone()) return result;
  result.v6 = {};
  result.v6.sin6_family = AF_INET6;
  result.v6.sin6_port = v4.sin_port;
  uint8_t* const bytes = result.v6.sin6_addr.s6_addr;
  bytes[10] = bytes[11] = 0xff;
  std::memcpy(bytes + 12, &v4.sin_addr, sizeof v4.sin_addr);
  return result;
}

Address Address::FromKernel(const sockaddr_storage& from) {
  sockaddr_in6 copy;
  std::memcpy(&copy, &from, sizeof copy);
  return FromKernel(copy);
}

Address Address::FromKernel(const sockaddr_in6& from) {
  Address result;
  std::memcpy(&result.v6, &from, sizeof from);
  if (!result.IsV6() || !IN6_IS_ADDR_V4MAPPED(&from.sin6_addr)) return result;
  result.v6 = {};
  result.v4.sin_family = AF_INET;
  result.v4.sin_port = from.sin6_port;
  std::memcpy(&result.v4.sin_addr, from.sin6_addr.s6_addr + 12, sizeof result.v4.sin_addr);
  return result;
}

Address Address::LocalFromKernel(const in6_addr& to, uint32_t interface) {
  Address result;
  if (IN6_IS_ADDR_MULTICAST(&to) || IN6_IS_ADDR_UNSPECIFIED(&to)) return result;
  result.v6.sin6_family = AF_INET6;
  result.v6.sin6_addr = to;
  if (HasScope(to)) result.v6.sin6_scope_id = interface;
  return FromKernel(result.v6);
}

Address Address::LocalFromKernel(const in_addr& to) {
  Address result;
  if (to.s_addr == htonl(INADDR_ANY)) return result;
  result.v4.sin_family = AF_INET;
  result.v4.sin_addr = to;
  return result;
}

bool Address::IsWildcard() const {
  return IsV6() ? IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) : v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

bool Address::Parse(const std::string& host, uint16_t port, Address& address) {
  address = Address();
  if (inet_pton(AF_INET, host.c_str(), &address.v4.sin_addr) == 1) {
    address.v4.sin_family = AF_INET;
    address.v4.sin_port = htons(port);
    return true;
  }
  const size_t percent = host.find('%');
  if (inet_pton(AF_INET6, host.substr(0, percent).c_str(), &address.v6.sin6_addr) != 1) return false;
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(port);
  if (percent != std::string::npos) {
    const std::string scope = host.substr(percent + 1);
    const unsigned named = if_nametoindex(scope.c_str());
    char* end = nullptr;
    const unsigned long number = std::strtoul(scope.c_str(), &end, 10);
    if (named == 0 && (scope.empty() || *end != '\0' || number == 0 || number > UINT32_MAX)) return false;
    if (HasScope(address.v6.sin6_addr)) address.v6.sin6_scope_id = named != 0 ? named : static_cast<uint32_t>(number);
  }
  address = FromKernel(address.v6);
  return true;
}

}  // namespace xfer
