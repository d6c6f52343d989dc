#include <dlfcn.h>
#include <napi.h>

#include <string>

#include "arguments.h"
#include "bindings.h"
#include "call-job.h"

namespace xfer {

namespace {

/** What it holds is never given back, so whoever loads it next has it at once. Why it does not load that one is told. */
void LoadLibrary(const Napi::CallbackInfo& info) {
  Arguments arguments(info);
  const std::string path = arguments.Text(0, "path");
  SubmitCall<bool>(arguments, 1, "dlopen", BooleanValue, [path](bool& loaded) {
    loaded = dlopen(path.c_str(), RTLD_LAZY) != nullptr;
    return 0;
  });
}

}  // namespace

void AddLibraryBindings(Napi::Env env, Napi::Object exports) { AddCall<LoadLibrary>(env, exports, "loadLibrary"); }

}  // namespace xfer
