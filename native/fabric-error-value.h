#pragma once
#include <napi.h>

#include <string>

#include "fabric-endpoint.h"

namespace xfer::fabric {

/** `ENOMEM` for 12, `ENOCQ` for libfabric's 263: what `error.code` says in JavaScript. */
std::string FabricErrorCode(int error);

/** With `code`, `errno` and the words of whoever said it. */
Napi::Value ErrorOf(Napi::Env env, const Failure& failure);

}  // namespace xfer::fabric
