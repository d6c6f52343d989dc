#include "fabric-error-value.h"

#include <rdma/fi_errno.h>

#include <cerrno>

#include "errno-name.h"

namespace xfer::fabric {

namespace {

/** libfabric's own numbers, which lie past those of the system, and what providers give and libuv's table lacks. */
const char* OwnName(int error) {
  switch (error) {
    case FI_EOTHER: return "EOTHER";
    case FI_ETOOSMALL: return "ETOOSMALL";
    case FI_EOPBADSTATE: return "EOPBADSTATE";
    case FI_EAVAIL: return "EAVAIL";
    case FI_EBADFLAGS: return "EBADFLAGS";
    case FI_ENOEQ: return "ENOEQ";
    case FI_EDOMAIN: return "EDOMAIN";
    case FI_ENOCQ: return "ENOCQ";
    case FI_ECRC: return "ECRC";
    case FI_ETRUNC: return "ETRUNC";
    case FI_ENOKEY: return "ENOKEY";
    case FI_ENOAV: return "ENOAV";
    case FI_EOVERRUN: return "EOVERRUN";
    case EREMOTEIO: return "EREMOTEIO";
    case ENOMSG: return "ENOMSG";
    case ETIME: return "ETIME";
    case ENOLINK: return "ENOLINK";
    case ECOMM: return "ECOMM";
    default: return nullptr;
  }
}

}  // namespace

std::string FabricErrorCode(int error) {
  const char* const own = OwnName(error);
  return own == nullptr ? ErrorCode(error) : own;
}

Napi::Value ErrorOf(Napi::Env env, const Failure& failure) {
  const std::string code = FabricErrorCode(failure.error);
  Napi::Error value = Napi::Error::New(env, code + ": " + failure.message);
  value.Set("code", Napi::String::New(env, code));
  value.Set("errno", Napi::Number::New(env, -failure.error));
  return value.Value();
}

}  // namespace xfer::fabric
