#pragma once
#include <string>
#include <vector>

#include "fabric-endpoint.h"
#include "fabric-objects.h"

namespace xfer::fabric {

/** FabricProvider of src/native/fabric-api.ts. */
struct ProviderInfo {
  std::string provider;
  std::string fabric;
  std::string domain;
  std::string version;
  std::string source;
  size_t maxMessageBytes = 0;
  size_t injectBytes = 0;
  std::vector<std::string> memoryModes;
  std::vector<std::string> modes;
  std::string threading;
  std::string progress;
  /** Empty and 0: libfabric does not know. */
  std::string device;
  uint64_t bitsPerSecond = 0;
};

/** Of the library that is loaded: `1.17`. */
std::string LibraryVersion();

/** What there is for reliable datagrams, the preferred first. Takes as long as libfabric's look at the machine. */
std::vector<ProviderInfo> Providers(Failure& failure);

/** The first that `provider` offers, reached at `host` where that has a meaning to it. Null and a failure where there is none. */
Info FindInfo(const std::string& provider, const std::string& host, Failure& failure);

/** Whether its addresses are those of IP, so that a host can be told. */
bool IsOverIp(const std::string& provider);
bool IsShm(const std::string& provider);

}  // namespace xfer::fabric
