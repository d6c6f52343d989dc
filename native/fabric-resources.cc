#include "fabric-resources.h"

#include <cstdlib>
#include <cstring>

#include "fabric-error.h"
#include "fabric-info.h"
#include "fabric-shm.h"
#include "fabric-signals.h"

namespace xfer::fabric {

namespace {

void NameForShm(fi_info& info) {
  RemoveStaleShm();
  const std::string address = FreshShmAddress();
  if (address.empty()) return;
  std::free(info.src_addr);
  info.src_addr = strdup(address.c_str());
  info.src_addrlen = address.size() + 1;
}

}  // namespace

bool Resources::Check(const char* call, int result, Failure& failure) const {
  if (result == 0) return true;
  failure = CallFailure(provider, call, result);
  return false;
}

bool Resources::OpenQueue(size_t operations, Failure& failure) {
  fi_cq_attr attributes = {};
  attributes.size = operations;
  attributes.format = FI_CQ_FORMAT_MSG;
  attributes.wait_obj = FI_WAIT_FD;
  fid_cq* opened = nullptr;
  if (fi_cq_open(domain.get(), &attributes, &opened, nullptr) == 0) {
    queue.reset(opened);
    if (fi_control(&opened->fid, FI_GETWAIT, &waitFd) == 0) return true;
    queue.reset();
    waitFd = -1;
  }
  attributes.wait_obj = FI_WAIT_NONE;
  const int result = fi_cq_open(domain.get(), &attributes, &opened, nullptr);
  if (result == 0) queue.reset(opened);
  return Check("fi_cq_open", result, failure);
}

bool Resources::Open(const EndpointOptions& options, size_t operations, Failure& failure) {
  const KeptSignals kept;
  provider = options.provider;
  info = FindInfo(provider, options.host, failure);
  if (!info) return false;
  if (IsShm(provider)) NameForShm(*info);

  fid_fabric* openedFabric = nullptr;
  int result = fi_fabric(info->fabric_attr, &openedFabric, nullptr);
  fabric.reset(openedFabric);
  if (!Check("fi_fabric", result, failure)) return false;

  fid_domain* openedDomain = nullptr;
  result = fi_domain(fabric.get(), info.get(), &openedDomain, nullptr);
  domain.reset(openedDomain);
  if (!Check("fi_domain", result, failure)) return false;

  if (!OpenQueue(operations, failure)) return false;

  fi_av_attr attributes = {};
  attributes.type = info->domain_attr->av_type;
  attributes.count = 1;
  fid_av* openedAddresses = nullptr;
  result = fi_av_open(domain.get(), &attributes, &openedAddresses, nullptr);
  addresses.reset(openedAddresses);
  if (!Check("fi_av_open", result, failure)) return false;

  fid_ep* openedEndpoint = nullptr;
  result = fi_endpoint(domain.get(), info.get(), &openedEndpoint, nullptr);
  endpoint.reset(openedEndpoint);
  return Check("fi_endpoint", result, failure) &&
         Check("fi_ep_bind", fi_ep_bind(openedEndpoint, &queue->fid, FI_TRANSMIT | FI_RECV), failure) &&
         Check("fi_ep_bind", fi_ep_bind(openedEndpoint, &addresses->fid, 0), failure) &&
         Check("fi_enable", fi_enable(openedEndpoint), failure);
}

void Resources::Close() {
  endpoint.reset();
  addresses.reset();
  queue.reset();
  domain.reset();
  fabric.reset();
}

}  // namespace xfer::fabric
