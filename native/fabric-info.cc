#include "fabric-info.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fabric-error.h"
#include "fabric-signals.h"

namespace xfer::fabric {

namespace {

/** The fastest first; the last reaches this machine alone. */
constexpr const char* kPreference[] = {"efa", "verbs;ofi_rxm", "tcp;ofi_rxm", "shm"};
constexpr size_t kProviders = sizeof kPreference / sizeof *kPreference;

struct Name {
  uint64_t bit;
  const char* name;
};

constexpr Name kMemoryModes[] = {
    {FI_MR_LOCAL, "LOCAL"},     {FI_MR_RAW, "RAW"},           {FI_MR_VIRT_ADDR, "VIRT_ADDR"}, {FI_MR_ALLOCATED, "ALLOCATED"},
    {FI_MR_PROV_KEY, "PROV_KEY"}, {FI_MR_MMU_NOTIFY, "MMU_NOTIFY"}, {FI_MR_RMA_EVENT, "RMA_EVENT"}, {FI_MR_ENDPOINT, "ENDPOINT"},
    {FI_MR_HMEM, "HMEM"},       {FI_MR_COLLECTIVE, "COLLECTIVE"},
};
constexpr Name kModes[] = {
    {FI_CONTEXT, "CONTEXT"}, {FI_CONTEXT2, "CONTEXT2"},           {FI_MSG_PREFIX, "MSG_PREFIX"},
    {FI_ASYNC_IOV, "ASYNC_IOV"}, {FI_RX_CQ_DATA, "RX_CQ_DATA"}, {FI_BUFFERED_RECV, "BUFFERED_RECV"},
};

template <size_t N>
std::vector<std::string> NamesOf(uint64_t bits, const Name (&names)[N]) {
  std::vector<std::string> found;
  for (const Name& name : names) {
    if ((bits & name.bit) == name.bit) found.emplace_back(name.name);
  }
  return found;
}

const char* ThreadingName(fi_threading threading) {
  switch (threading) {
    case FI_THREAD_SAFE: return "SAFE";
    case FI_THREAD_FID: return "FID";
    case FI_THREAD_DOMAIN: return "DOMAIN";
    case FI_THREAD_COMPLETION: return "COMPLETION";
    case FI_THREAD_ENDPOINT: return "ENDPOINT";
    default: return "UNSPEC";
  }
}

const char* ProgressName(fi_progress progress) {
  switch (progress) {
    case FI_PROGRESS_AUTO: return "AUTO";
    case FI_PROGRESS_MANUAL: return "MANUAL";
    default: return "UNSPEC";
  }
}

std::string Text(const char* text) { return text == nullptr ? "" : text; }

/** As fi_tostr writes it: there is no other way to an address's words without a domain. Its buffer is one for all threads. */
std::string SourceOf(const fi_info& info) {
  const std::string text = Text(fi_tostr(&info, FI_TYPE_INFO));
  constexpr char kField[] = "src_addr: ";
  const size_t field = text.find(kField);
  if (info.src_addr == nullptr || field == std::string::npos) return "";
  const size_t start = field + sizeof kField - 1;
  return text.substr(start, text.find('\n', start) - start);
}

size_t RankOf(const fi_info& info) {
  const std::string name = Text(info.fabric_attr->prov_name);
  return static_cast<size_t>(std::find(kPreference, kPreference + kProviders, name) - kPreference);
}

Info Hints(const std::string& provider) {
  Info hints(fi_allocinfo());
  if (!hints) return hints;
  hints->caps = FI_TAGGED | FI_SEND | FI_RECV;
  // Each operation has an fi_context2 of its own, whether it is asked for or not.
  hints->mode = FI_CONTEXT | FI_CONTEXT2;
  hints->ep_attr->type = FI_EP_RDM;
  hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY | FI_MR_ENDPOINT;
  hints->domain_attr->threading = FI_THREAD_DOMAIN;
  hints->domain_attr->av_type = FI_AV_UNSPEC;
  if (!provider.empty()) hints->fabric_attr->prov_name = strdup(provider.c_str());
  return hints;
}

ProviderInfo Describe(const fi_info& info) {
  ProviderInfo found;
  found.provider = Text(info.fabric_attr->prov_name);
  found.fabric = Text(info.fabric_attr->name);
  found.domain = Text(info.domain_attr->name);
  found.version = std::to_string(FI_MAJOR(info.fabric_attr->prov_version)) + "." + std::to_string(FI_MINOR(info.fabric_attr->prov_version));
  found.source = SourceOf(info);
  found.maxMessageBytes = info.ep_attr->max_msg_size;
  found.injectBytes = info.tx_attr->inject_size;
  found.memoryModes = NamesOf(static_cast<uint64_t>(info.domain_attr->mr_mode), kMemoryModes);
  found.modes = NamesOf(info.mode, kModes);
  found.threading = ThreadingName(info.domain_attr->threading);
  found.progress = ProgressName(info.domain_attr->data_progress);
  if (info.nic != nullptr && info.nic->device_attr != nullptr) found.device = Text(info.nic->device_attr->name);
  if (info.nic != nullptr && info.nic->link_attr != nullptr) found.bitsPerSecond = info.nic->link_attr->speed;
  return found;
}

}  // namespace

std::string LibraryVersion() {
  const uint32_t version = fi_version();
  return std::to_string(FI_MAJOR(version)) + "." + std::to_string(FI_MINOR(version));
}

std::vector<ProviderInfo> Providers(Failure& failure) {
  const KeptSignals kept;
  const Info hints = Hints("");
  fi_info* list = nullptr;
  const int result = fi_getinfo(kApiVersion, nullptr, nullptr, 0, hints.get(), &list);
  const Info owned(list);
  std::vector<ProviderInfo> found;
  if (result == -FI_ENODATA) return found;
  if (result != 0) {
    failure = CallFailure("libfabric", "fi_getinfo", result);
    return found;
  }
  for (size_t rank = 0; rank < kProviders; rank++) {
    for (const fi_info* info = list; info != nullptr; info = info->next) {
      if (RankOf(*info) == rank) found.push_back(Describe(*info));
    }
  }
  return found;
}

Info FindInfo(const std::string& provider, const std::string& host, Failure& failure) {
  const Info hints = Hints(provider);
  fi_info* list = nullptr;
  const bool hasHost = !host.empty() && IsOverIp(provider);
  const int result = fi_getinfo(kApiVersion, hasHost ? host.c_str() : nullptr, nullptr, hasHost ? FI_SOURCE : 0, hints.get(), &list);
  const Info owned(list);
  if (result != 0) {
    failure = CallFailure(provider, "fi_getinfo", result);
    if (hasHost) failure.message += " (at " + host + ")";
    return nullptr;
  }
  for (const fi_info* info = list; info != nullptr; info = info->next) {
    if (Text(info->fabric_attr->prov_name) == provider) return Info(fi_dupinfo(info));
  }
  failure = CallFailure(provider, "fi_getinfo", -FI_ENODATA);
  return nullptr;
}

bool IsOverIp(const std::string& provider) { return provider.rfind("tcp", 0) == 0 || provider.rfind("verbs", 0) == 0; }

bool IsShm(const std::string& provider) { return provider == "shm"; }

}  // namespace xfer::fabric
