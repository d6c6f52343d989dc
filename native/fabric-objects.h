#pragma once
#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_tagged.h>

#include <memory>

namespace xfer::fabric {

/** Of the API that is asked for: what Ubuntu 22.04 has, with the memory modes of today. */
constexpr uint32_t kApiVersion = FI_VERSION(1, 11);

struct InfoDeleter {
  void operator()(fi_info* info) const { fi_freeinfo(info); }
};
using Info = std::unique_ptr<fi_info, InfoDeleter>;

template <typename T>
struct FidDeleter {
  void operator()(T* object) const { fi_close(&object->fid); }
};
/**
 * Declared in the order of opening, they are closed in the reverse one: an endpoint before its queue and its addresses, regions of
 * memory before their domain, the fabric last.
 */
template <typename T>
using Fid = std::unique_ptr<T, FidDeleter<T>>;

using FabricFid = Fid<fid_fabric>;
using DomainFid = Fid<fid_domain>;
using QueueFid = Fid<fid_cq>;
using AddressesFid = Fid<fid_av>;
using EndpointFid = Fid<fid_ep>;
using MemoryFid = Fid<fid_mr>;

}  // namespace xfer::fabric
