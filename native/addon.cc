#include <napi.h>

#include "bindings.h"
#include "job-loop.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  xfer::JobLoop::Install(env);
  xfer::AddSealBindings(env, exports);
  xfer::AddRecordBindings(env, exports);
  xfer::AddPackedBindings(env, exports);
  xfer::AddDigestBindings(env, exports);
  xfer::AddReferenceBindings(env, exports);
  xfer::AddLibraryBindings(env, exports);
  xfer::AddBusyPollBindings(env, exports);
  xfer::AddFileBindings(env, exports);
  xfer::AddContentBindings(env, exports);
  xfer::AddDiskBindings(env, exports);
#if defined(__linux__)
  xfer::AddDescriptorBindings(env, exports);
#endif
  return exports;
}

}  // namespace

NODE_API_MODULE(xfer_seal, Init)
