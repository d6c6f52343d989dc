#pragma once
#include <string>

#include "fabric-endpoint.h"
#include "fabric-objects.h"

namespace xfer::fabric {

/** What libfabric opened for one endpoint, closed in the reverse order. */
struct Resources {
  Info info;
  FabricFid fabric;
  DomainFid domain;
  QueueFid queue;
  AddressesFid addresses;
  EndpointFid endpoint;
  std::string provider;
  /** Of the queue; -1: the provider has none. */
  int waitFd = -1;

  /** False and a failure where it cannot be. `operations`: how many may be under way at most. */
  bool Open(const EndpointOptions& options, size_t operations, Failure& failure);
  /** In the order that libfabric wants. */
  void Close();

 private:
  bool OpenQueue(size_t operations, Failure& failure);
  bool Check(const char* call, int result, Failure& failure) const;
};

/** What an operation is given as its context: it comes back with the completion. */
struct Operation {
  enum class Kind : uint8_t { kReceiveSmall, kReceiveLarge, kSend };
  /** Providers keep their own notes there while it is under way (FI_CONTEXT2). */
  fi_context2 context = {};
  Kind kind = Kind::kSend;
  /** Block or slot. */
  uint32_t index = 0;
};

}  // namespace xfer::fabric
